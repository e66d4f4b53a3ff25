insert into route_breakers (provider, failures, reason, first_failed_at)
values (:provider, :failures, :reason, :now)
on conflict (provider) do update
set
    failures = route_breakers.failures + excluded.failures,
    reason = excluded.reason,
    first_failed_at = case route_breakers.failures when 0 then excluded.first_failed_at else route_breakers.first_failed_at end
returning failures
