-- What had landed in a table by $until, oldest first, so that each moment of the replay reads one stretch.
create table landed.{table} as
select * replace ({landed_at} as landed_at)
from source.raw.{table}
where {landed_at} <= $until and source.raw.{table}.landed_at <= $known_until and {condition}
order by landed_at
