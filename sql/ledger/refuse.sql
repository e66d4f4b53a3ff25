-- Said again, it holds anew.
insert into refusals (user_id, channel, message_class, is_active, reason, changed_at, holds_until)
values (:user_id, :channel, :message_class, 1, :reason, :now, :holds_until)
on conflict (user_id, channel, message_class) do update
set
    is_active = 1, reason = excluded.reason, changed_at = excluded.changed_at,
    holds_until = excluded.holds_until
