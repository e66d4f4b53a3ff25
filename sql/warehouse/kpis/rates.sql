-- The KPIs that are a share, since $since: for all journeys together, for each
-- journey, and for each place (journey, step, channel). Numerators and denominators are summed, never
-- values averaged.
with cells as (
    select 'kpi_conversion_rate' as kpi, window_start, journey, step, channel, numerator, denominator
    from kpis.kpi_conversion_rate
    union all
    select 'kpi_open_rate', window_start, journey, step, channel, numerator, denominator
    from kpis.kpi_open_rate
    union all
    select 'kpi_click_through_rate', window_start, journey, step, channel, numerator, denominator
    from kpis.kpi_click_through_rate
    union all
    select 'kpi_bounce_rate', window_start, journey, step, channel, numerator, denominator
    from kpis.kpi_bounce_rate
    union all
    select 'kpi_suppression_rate', window_start, journey, step, channel, numerator, denominator
    from kpis.kpi_suppression_rate
    where reason is null
    union all
    select 'kpi_journey_completion', window_start, journey, step, channel, numerator, denominator
    from kpis.kpi_journey_completion
),

recent as (
    select *
    from cells
    where window_start >= $since
)

select
    kpi,
    case when grouping(journey) = 1 then 'all' else 'journey' end as level,
    journey,
    null as step,
    null as channel,
    sum(numerator) as numerator,
    sum(denominator) as denominator,
    sum(numerator) / nullif(sum(denominator), 0) as value
from recent
-- An entry that two steps reached counts twice among the places; the whole journey has its own row.
where kpi <> 'kpi_journey_completion' or step is null
group by grouping sets ((kpi), (kpi, journey))
union all
select
    kpi,
    'place',
    journey,
    step,
    channel,
    sum(numerator),
    sum(denominator),
    sum(numerator) / nullif(sum(denominator), 0)
from recent
where step is not null
group by kpi, journey, step, channel
order by kpi, level, journey, step, channel
