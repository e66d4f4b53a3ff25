{{ config(materialized="table", contract={"enforced": true}) }}

-- Who did what a journey is for: its goal event, after an exposure and no later than `goal.within`.
-- exposed_at < occurred_at <= exposed_at + within: the last moment counts, the first does not.
-- A goal event counts once for a journey, for the last touch; it may count for two journeys.

{% set since = earliest(ref("fct_exposures"), "exposed_at") %}

with goals as (
    select * from {{ source("policy", "journeys") }}
    where goal_event is not null
),

-- The events of these names, of whoever was exposed. Orders are kept apart; other goals are few.
happened as (
    {% for source in [kept_events_of_people() ~ " as kept", ref("fct_events")] %}
    select
        event_id,
        event_name,
        user_id,
        occurred_at,
        cart_id,
        order_id,
        product_id,
        revenue,
        currency,
        properties
    from {{ source }}
    where
        event_name in (select goal_event from goals)
        and event_name {{ "in" if loop.first else "not in" }} {{ as_text_list(kept_events()) }}
        and occurred_at > {{ since }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

reported as (
    select
        *,
        -- One order may be told by the shop and by the tracker; it is one conversion.
        row_number() over (
            partition by event_name, user_id, coalesce(order_id, event_id) order by occurred_at, event_id
        ) as turn
    from happened
    where user_id in (select user_id from {{ ref("fct_exposures") }})
),

delivered as (
    select * from {{ ref("fct_messages") }}
    where delivered_at is not null
),

-- Last touch: the last message that reached the person before the event; where none did, and in the
-- control arm, the last exposure.
touches as (
    select
        exposures.*,
        events.event_id as conversion_event_id,
        events.occurred_at as converted_at,
        events.order_id,
        events.currency,
        case when goals.goal_value = 'revenue' then events.revenue end as revenue,
        messages.message_id,
        coalesce(messages.channel, exposures.channel) as touch_channel,
        row_number() over (
            partition by exposures.journey, events.event_id
            order by
                case when messages.message_id is null then 1 else 0 end asc,
                exposures.exposed_at desc,
                exposures.step_number desc,
                messages.accepted_at desc,
                exposures.candidate_id asc
        ) as recency
    from {{ ref("fct_exposures") }} as exposures
    inner join goals on exposures.journey = goals.journey
    inner join reported as events
        on
            goals.goal_event = events.event_name
            and exposures.user_id = events.user_id
            and events.turn = 1
            and exposures.exposed_at < events.occurred_at
            and events.occurred_at <= {{ add_seconds("exposures.exposed_at", "goals.goal_within_seconds") }}
    left join delivered as messages
        on exposures.candidate_id = messages.candidate_id and events.occurred_at > messages.accepted_at
    where {{ same_entity("exposures", "events", "goals") }}
)

select
    journey || '|' || conversion_event_id as conversion_id,
    journey,
    step,
    touch_channel as channel,
    variant,
    arm,
    user_id,
    candidate_id,
    message_id,
    conversion_event_id as event_id,
    order_id,
    exposed_at,
    converted_at,
    {{ seconds_between("exposed_at", "converted_at") }} as seconds_to_conversion,
    revenue,
    currency,
    row_number() over (partition by candidate_id, message_id order by converted_at, conversion_event_id) = 1 as is_first
from touches
where recency = 1
