-- Suppression rate since $since: the rows without a reason hold each decision once.
select
    case
        when grouping(journey) = 1 then 'all'
        when grouping(step) = 1 then 'journey'
        else 'place'
    end as level,
    journey,
    step,
    channel,
    sum(numerator) as numerator,
    sum(denominator) as denominator,
    sum(numerator) / nullif(sum(denominator), 0) as value
from kpis.kpi_suppression_rate
where window_start >= $since and reason is null
group by grouping sets ((), (journey), (journey, step, channel))
having count(*) > 0
order by level, journey, step, channel
