insert into switches (scope, name, is_stopped, reason, changed_at)
values (:scope, :name, :is_stopped, :reason, :now)
on conflict (scope, name) do update
set is_stopped = excluded.is_stopped, reason = excluded.reason, changed_at = excluded.changed_at
