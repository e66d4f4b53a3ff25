-- Journey completion since $since. An entry that two steps reached counts at both places: the whole
-- journey has rows of its own, without a step.
with recent as (
    select * from kpis.kpi_journey_completion
    where window_start >= $since
)

select
    case when grouping(journey) = 1 then 'all' else 'journey' end as level,
    journey,
    null as step,
    null as channel,
    sum(numerator) as numerator,
    sum(denominator) as denominator,
    sum(numerator) / nullif(sum(denominator), 0) as value
from recent
where step is null
group by grouping sets ((), (journey))
having count(*) > 0
union all
select
    'place',
    journey,
    step,
    channel,
    sum(numerator),
    sum(denominator),
    sum(numerator) / nullif(sum(denominator), 0)
from recent
where step is not null
group by journey, step, channel
order by level, journey, step, channel
