-- The codes that messages have, and whether a message is planned: its bytes are frozen, with a code or without.
select
    wanted.value as message_id,
    granted.code,
    granted.label,
    granted.expires_at,
    messages.message_id is not null as is_planned
from json_each(cast(:message_ids as text)) as wanted
left join discount_codes as granted on wanted.value = granted.message_id
left join messages on wanted.value = messages.message_id
