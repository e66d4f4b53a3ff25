-- Of the workers that find it half open, one at a time looks again: the first has taken the probe then.
select
    failures,
    openings,
    open_until
from route_breakers
where provider = :provider
/* postgresql: for update */
