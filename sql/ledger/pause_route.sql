insert into route_pauses (provider, paused_until) values (:provider, :until)
on conflict (provider) do update set paused_until = excluded.paused_until
where route_pauses.paused_until < excluded.paused_until
