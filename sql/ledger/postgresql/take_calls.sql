-- As many of the wanted calls as the provider's pace allows now, or how long until a batch of them is.
select
    granted,
    wait_seconds,
    cast(granted_at as text) as granted_at
from take_calls(
    :provider,
    cast(:wanted as integer),
    cast(:per_second as double precision),
    cast(:batch as integer),
    cast(:span as double precision)
)
