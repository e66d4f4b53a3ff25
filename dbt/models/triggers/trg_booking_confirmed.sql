{{ config(contract={"enforced": true}) }}

-- A booking was made, or moved to another time. Told is the newest word on it: who books and moves at once reads
-- the last time only; a report that repeats the time that was told is no news. What is cancelled is not confirmed.

with reports as (
    select
        user_id,
        event_id,
        event_name,
        occurred_at,
        properties,
        nullif({{ json_text("properties", "$.booking_id") }}, '') as booking_id,
        {{ utc_timestamp(json_text("properties", "$.starts_at")) }} as starts_at
    from {{ ref("fct_events") }}
    where
        occurred_at >= {{ ago(days=3) }}
        and event_name in ('booking_created', 'appointment_booked', 'booking_rescheduled', 'booking_cancelled')
),

-- One that a source reports for a device and another for its person is the person's.
told as (
    select
        *,
        first_value(user_id) over (
            partition by coalesce(booking_id, user_id)
            order by case when user_id like 'anon:%' then 1 else 0 end, occurred_at, event_id
            rows between unbounded preceding and unbounded following
        ) as owner_id,
        lag(event_name) over (
            partition by coalesce(booking_id, user_id) order by occurred_at, event_id
        ) as event_before,
        lag(starts_at) over (
            partition by coalesce(booking_id, user_id) order by occurred_at, event_id
        ) as time_before
    from reports
    where event_name <> 'booking_rescheduled' or starts_at is not null
),

changes as (
    select
        *,
        row_number() over (
            partition by coalesce(booking_id, user_id) order by occurred_at desc, event_id desc
        ) as recency
    from told
    where
        event_before is null
        or event_name = 'booking_cancelled'
        or event_before = 'booking_cancelled'
        or coalesce(starts_at <> time_before, starts_at is not null)
)

select
    owner_id as user_id,
    booking_id as entity_key,
    event_id,
    occurred_at as triggered_at,
    booking_id,
    event_name = 'booking_rescheduled' as is_moved,
    nullif(trim({{ json_text("properties", "$.service") }}), '') as service,
    nullif(trim({{ json_text("properties", "$.place") }}), '') as place,
    case
        when starts_at <= {{ add_seconds("occurred_at", 3 * 366 * 24 * 3600) }} then starts_at
    end as starts_at,
    {{ own_url(json_text("properties", "$.booking_url")) }} as booking_url
from changes
where recency = 1 and event_name <> 'booking_cancelled' and coalesce(starts_at > occurred_at, true)
