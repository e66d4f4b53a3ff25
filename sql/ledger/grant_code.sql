-- A code that somebody has already, however it is spelt, is left alone: then no row changes.
insert into discount_codes (code, pool, message_id, label, expires_at, granted_at)
values (:code, :pool, :message_id, :label, :expires_at, :now)
on conflict do nothing
