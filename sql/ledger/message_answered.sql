-- The message that a word from a phone is about, where it names none: the newest that this provider took, or may
-- have taken, for the address in the seven days before. What is older is nobody's answer any more. Newest first, so
-- that it is found after a few rows.
select
    message_no,
    message_id,
    user_id
from messages
where
    address_key = :address_key
    and provider = :provider
    and state in ('in_flight', 'unknown', 'held', 'accepted', 'sent', 'delivered', 'read')
    and planned_at <= :occurred_at
    and planned_at >= :since
order by message_no desc
limit 1
