{{ config(materialized="table", contract={"enforced": true}) }}

-- What the messages brought beyond what would have come anyway: the control arm, who got none, scaled
-- to the size of the treated. Everybody exposed counts, delivered or not: dropping the undelivered
-- from one arm only would compare different people.

with exposures as (
    select
        exposures.*,
        {{ day_of("exposures.exposed_at") }} as window_start,
        coalesce(conversions.revenue, 0) as revenue
    from {{ ref("fct_exposures") }} as exposures
    inner join {{ source("policy", "journeys") }} as journeys on exposures.journey = journeys.journey
    left join (
        select
            candidate_id,
            sum(revenue) as revenue
        from {{ ref("fct_conversions") }}
        group by candidate_id
    ) as conversions on exposures.candidate_id = conversions.candidate_id
    where journeys.goal_value = 'revenue'
),

cells as (
    select
        window_start,
        journey,
        step,
        channel,
        sum(case when arm = 'treated' then 1.0 else 0.0 end) as treated_units,
        sum(case when arm = 'control' then 1.0 else 0.0 end) as control_units,
        sum(case when arm = 'control' then revenue else 0.0 end) as control_revenue
    from exposures
    group by window_start, journey, step, channel
),

treated as (
    select
        window_start,
        journey,
        step,
        channel,
        variant,
        count(*) as treated_units,
        sum(revenue) as treated_revenue
    from exposures
    where arm = 'treated'
    group by window_start, journey, step, channel, variant
),

-- Each variant is held against the whole control; its share of it keeps the sums right.
compared as (
    select
        cells.window_start,
        cells.journey,
        cells.step,
        cells.channel,
        treated.variant,
        coalesce(treated.treated_revenue, 0.0) as treated_revenue,
        coalesce(treated.treated_units, 0) as treated_units,
        cells.control_revenue * coalesce(treated.treated_units / cells.treated_units, 1.0) as control_revenue,
        cells.control_units * coalesce(treated.treated_units / cells.treated_units, 1.0) as control_units
    from cells
    left join treated
        on
            cells.window_start = treated.window_start
            and cells.journey = treated.journey
            and cells.step = treated.step
            and cells.channel = treated.channel
)

select
    window_start,
    journey,
    step,
    channel,
    variant,
    cast(treated_revenue - control_revenue * treated_units / nullif(control_units, 0) as double) as value,
    cast(treated_revenue as double) as numerator,
    cast(control_revenue * treated_units / nullif(control_units, 0) as double) as denominator,
    cast(treated_revenue as double) as treated_revenue,
    cast(treated_units as double) as treated_units,
    cast(control_revenue as double) as control_revenue,
    cast(control_units as double) as control_units
from compared
