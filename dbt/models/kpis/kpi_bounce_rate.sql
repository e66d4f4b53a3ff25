{{ config(materialized="table", contract={"enforced": true}) }}

-- Refused for good by the far end, of what a provider took.

with messages as (
    select
        *,
        {{ day_of("decided_at") }} as window_start
    from {{ ref("fct_messages") }}
),

cells as (
    select
        window_start,
        journey,
        step,
        channel,
        variant,
        count(case when is_bounced then accepted_at end) as numerator,
        count(accepted_at) as denominator
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
