-- The provider asked to be left alone; it means every worker.
insert into route_pace (provider, tokens, filled_at, paused_until)
values (:provider, 0, clock_timestamp(), clock_timestamp() + make_interval(secs => cast(:seconds as double precision)))
on conflict (provider) do update
set paused_until = greatest(route_pace.paused_until, excluded.paused_until)
