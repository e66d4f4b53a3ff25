select
    message_no,
    state,
    entity_key,
    event_id,
    provider
from messages
where user_id = :user_id
order by message_no
