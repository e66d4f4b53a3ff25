select
    user_id,
    channel,
    message_class,
    is_active,
    reason,
    changed_at,
    holds_until
from refusals
where user_id = :user_id
order by channel, message_class
