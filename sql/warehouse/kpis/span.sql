-- The first and the last decision of the last $days days.
select
    min(decided_at) as first_at,
    max(decided_at) as last_at
from decisions.fct_decisions
where decided_at >= (select date_trunc('day', max(decided_at)) from decisions.fct_decisions) - to_days($days - 1)
