select
    failures,
    openings,
    open_until
from route_breakers
where provider = :provider
