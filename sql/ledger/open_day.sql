-- The day's row of a route that warms up, kept from others until the claim is on the disk, and on how many days
-- it sent before.
insert into route_days (provider, sent_on, calls) values (:provider, :today, 0)
on conflict (provider, sent_on) do update set calls = route_days.calls
returning
    calls,
    (
        select count(*) from route_days as earlier
        where
            earlier.provider = :provider and earlier.sent_on >= :begins_on and earlier.sent_on < :today
            and earlier.calls > 0
    ) as days_before
