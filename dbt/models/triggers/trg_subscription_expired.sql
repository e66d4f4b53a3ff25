{{ config(contract={"enforced": true}) }}

-- A subscription ran out, and nobody said that it should. Who cancelled said what they want and is left alone; who
-- has subscribed again since, to whatever it was, is back already.

with subscriptions as (
    select
        user_id,
        event_id,
        event_name,
        about_id,
        occurred_at,
        properties,
        max(case when event_name in ('subscription_started', 'subscription_renewed') then occurred_at end) over (
            partition by user_id
        ) as began_at,
        max(case when event_name = 'subscription_cancelled' then occurred_at end) over (
            partition by user_id, about_id
        ) as cancelled_at,
        max(case when event_name in ('subscription_started', 'subscription_renewed') then occurred_at end) over (
            partition by user_id, about_id
        ) as term_began_at
    from {{ dated_events_of("subscription") }} as dated
),

expiries as (
    select
        *,
        row_number() over (partition by user_id, about_id order by occurred_at, event_id) as report
    from subscriptions
    where
        event_name = 'subscription_expired'
        and occurred_at >= {{ ago(days=7) }}
        and coalesce(began_at < occurred_at, true)
        and coalesce(cancelled_at < term_began_at, cancelled_at is null)
)

select
    user_id,
    about_id as entity_key,
    event_id,
    occurred_at as triggered_at,
    nullif(trim({{ json_text("properties", "$.plan_name") }}), '') as plan_name,
    occurred_at as expired_at,
    {{ own_url(json_text("properties", "$.subscribe_url")) }} as subscribe_url
from expiries
where report = 1
