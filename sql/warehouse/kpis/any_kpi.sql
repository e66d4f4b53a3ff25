-- A KPI whose value is numerator / denominator, since $since: for all journeys together, for each journey and
-- for each place (journey, step, channel). Numerators and denominators are summed, never values averaged.
-- A KPI that cannot be summed up like this has a file of its own name beside this one.
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
from query_table('kpis.' || $kpi)
where window_start >= $since
group by grouping sets ((), (journey), (journey, step, channel))
having count(*) > 0
order by level, journey, step, channel
