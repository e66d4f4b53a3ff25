insert into routes (provider, channel, is_blocked, reason, changed_at)
values (:provider, :channel, 1, :reason, :now)
on conflict (provider) do update
set is_blocked = 1, reason = excluded.reason, changed_at = excluded.changed_at
where routes.is_blocked = 0
