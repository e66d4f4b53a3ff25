-- What a person has to decide, the newest first.
select
    message_id,
    user_id,
    journey,
    step,
    channel,
    provider,
    reason,
    state_at as held_at,
    expires_at
from messages
where state = 'held'
order by message_no desc
limit :limit
