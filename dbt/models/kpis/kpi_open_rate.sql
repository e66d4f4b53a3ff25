{{ config(materialized="table", contract={"enforced": true}) }}

-- SMS and webhooks cannot tell whether they were read: no row is better than a made-up 0 %.

with messages as (
    select
        *,
        {{ day_of("decided_at") }} as window_start,
        coalesce(opened_at, read_at) as first_opened_at
    from {{ ref("fct_messages") }}
    where channel not in ('sms', 'webhook')
),

cells as (
    select
        window_start,
        journey,
        step,
        channel,
        variant,
        count(case when delivered_at is not null then first_opened_at end) as numerator,
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
