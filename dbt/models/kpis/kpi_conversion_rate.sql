{{ config(materialized="table", contract={"enforced": true}) }}

-- A message converts at most once, however many orders follow it. Journeys without a goal have no rows.

with messages as (
    select
        messages.*,
        {{ day_of("messages.decided_at") }} as window_start,
        conversions.conversion_id
    from {{ ref("fct_messages") }} as messages
    inner join {{ source("policy", "journeys") }} as journeys on messages.journey = journeys.journey
    left join {{ ref("fct_conversions") }} as conversions
        on messages.message_id = conversions.message_id and conversions.is_first
    where journeys.goal_event is not null
),

cells as (
    select
        window_start,
        journey,
        step,
        channel,
        variant,
        count(conversion_id) as numerator,
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
