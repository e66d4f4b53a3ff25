{{ config(contract={"enforced": true}) }}

-- A booking begins in a day. The newest word on a booking counts: one that moved is reminded of at its new time,
-- one that is cancelled never. Who booked within the last 24 hours knows it; the confirmation told them.

with bookings as (
    select
        user_id,
        event_name,
        occurred_at,
        properties,
        about_id as booking_id,
        dated_at as starts_at,
        min(occurred_at) over (partition by coalesce(about_id, user_id), dated_at) as told_at,
        first_value(user_id) over (
            partition by coalesce(about_id, user_id)
            order by case when user_id like 'anon:%' then 1 else 0 end, occurred_at, event_id
            rows between unbounded preceding and unbounded following
        ) as owner_id,
        row_number() over (
            partition by coalesce(about_id, user_id) order by occurred_at desc, event_id desc
        ) as recency
    from {{ dated_events_of("booking") }} as dated
    -- A move that does not say where to moves nothing.
    where dated_at is not null or event_name = 'booking_cancelled'
)

select
    owner_id as user_id,
    booking_id as entity_key,
    coalesce(booking_id, owner_id) || '@' || cast(starts_at as {{ dbt.type_string() }}) as event_id,
    {{ add_seconds("starts_at", -24 * 3600) }} as triggered_at,
    booking_id,
    nullif(trim({{ json_text("properties", "$.service") }}), '') as service,
    nullif(trim({{ json_text("properties", "$.place") }}), '') as place,
    starts_at,
    {{ own_url(json_text("properties", "$.booking_url")) }} as booking_url
from bookings
where
    recency = 1
    and event_name <> 'booking_cancelled'
    and starts_at > {{ as_of() }}
    and told_at < {{ add_seconds("starts_at", -24 * 3600) }}
