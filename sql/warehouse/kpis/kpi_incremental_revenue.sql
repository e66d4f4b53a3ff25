-- Incremental revenue since $since. Each place is compared within itself, pooled over the days:
-- a day alone has too few held-out people. Only places with a control have a value; sums take those.
with places as (
    select
        journey,
        step,
        channel,
        sum(treated_revenue) as treated_revenue,
        sum(treated_units) as treated_units,
        sum(control_revenue) as control_revenue,
        sum(control_units) as control_units
    from kpis.kpi_incremental_revenue
    where window_start >= $since
    group by journey, step, channel
),

compared as (
    select
        *,
        control_revenue * treated_units / nullif(control_units, 0) as scaled_control
    from places
)

select
    case
        when grouping(journey) = 1 then 'all'
        when grouping(step) = 1 then 'journey'
        else 'place'
    end as level,
    journey,
    step,
    channel,
    sum(case when scaled_control is not null then treated_revenue end) as numerator,
    sum(scaled_control) as denominator,
    sum(treated_revenue - scaled_control) as value,
    sum(treated_units) as treated_units,
    sum(control_units) as control_units
from compared
group by grouping sets ((), (journey), (journey, step, channel))
order by level, journey, step, channel
