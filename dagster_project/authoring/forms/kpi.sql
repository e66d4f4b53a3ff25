{{ config(materialized="table", contract={"enforced": true}) }}

-- Say in a sentence what it measures. Here: who answered a message that reached them.

with cells as (
    select
        {{ day_of("decided_at") }} as window_start,
        journey,
        step,
        channel,
        variant,
        count(case when delivered_at is not null then replied_at end) as numerator,
        count(delivered_at) as denominator
    from {{ ref("fct_messages") }}
    group by {{ day_of("decided_at") }}, journey, step, channel, variant
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
