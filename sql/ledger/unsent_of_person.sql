-- What waits to be sent to a person on one channel and for one purpose, or may be sent again; through the
-- index of states.
select message_id
from messages
where
    state in ('planned', 'claimed', 'retry_wait', 'unknown')
    and user_id = :user_id and channel = :channel and message_class = :message_class
