-- The newest message to an address on a channel: a reply by phone names none. Newest first, so that
-- a reply to a recent message is found after a few rows.
select
    message_id,
    user_id
from messages
where address_key = :address_key and channel = :channel
order by message_no desc
limit 1
