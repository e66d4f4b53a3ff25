-- The row through which a route can be blocked and its work be found.
insert into routes (provider, channel, changed_at) values (:provider, :channel, :now)
on conflict do nothing
