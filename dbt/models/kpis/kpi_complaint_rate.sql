{{ config(materialized="table", contract={"enforced": true}) }}

-- Reported as spam, of what arrived. Only mailbox providers tell: no row is better than a made-up 0 %.

with messages as (
    select
        *,
        {{ day_of("decided_at") }} as window_start
    from {{ ref("fct_messages") }}
    where channel = 'email'
),

cells as (
    select
        window_start,
        journey,
        step,
        channel,
        variant,
        count(case when is_complained then delivered_at end) as numerator,
        count(delivered_at) as denominator
    from messages
    group by window_start, journey, step, channel, variant
)

select
    window_start,
    journey,
    step,
    channel,
    variant,
    cast(numerator as double) / nullif(denominator, 0) as value,
    cast(numerator as double) as numerator,
    cast(denominator as double) as denominator
from cells
