-- The receipt names the message and not the address.
insert into suppressions (address_key, scope, is_active, reason, changed_at, message_no)
select
    address_key,
    :scope,
    1,
    :reason,
    :now,
    message_no
from messages
where message_no = :message_no and address_key <> ''  -- an erased person has a mark
on conflict (address_key, scope) do update
set is_active = 1, reason = excluded.reason, changed_at = excluded.changed_at, message_no = excluded.message_no
where suppressions.is_active = 0
