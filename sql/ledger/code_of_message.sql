select
    code,
    pool,
    label,
    expires_at,
    granted_at
from discount_codes
where message_id = :message_id
