{{ config(materialized="table", contract={"enforced": true}) }}

-- Seconds from the decision to the goal event, of the conversions that kpi_conversion_rate counts.
-- A mean is dragged along by the few who take days: median and 90th percentile stand beside it.

with conversions as (
    select
        *,
        {{ day_of("exposed_at") }} as window_start
    from {{ ref("fct_conversions") }}
    where message_id is not null and is_first
)

select
    window_start,
    journey,
    step,
    channel,
    variant,
    {{ percentile("seconds_to_conversion", 0.5) }} as value,
    {{ percentile("seconds_to_conversion", 0.9) }} as p90,
    avg(seconds_to_conversion) as mean,
    cast(sum(seconds_to_conversion) as double) as numerator,
    cast(count(*) as double) as denominator
from conversions
group by window_start, journey, step, channel, variant
