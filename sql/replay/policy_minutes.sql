-- The minutes of an hour at which a rule of the policy begins or ends by local time.
select cast(substr(moment, 4, 2) as bigint) as minute
from (
    select unnest([quiet_from, quiet_until]) as moment
    from policy.quiet_hours
)
