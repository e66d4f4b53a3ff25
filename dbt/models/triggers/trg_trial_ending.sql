{{ config(contract={"enforced": true}) }}

-- A trial ends in three days and its person has not subscribed. The newest word on its end counts: one that is
-- extended is told of before its new end. A trial of three days or less began too lately to be reminded of.

with trials as (
    select
        user_id,
        event_name,
        about_id,
        properties,
        dated_at as ends_at,
        min(occurred_at) over (partition by user_id, about_id, dated_at) as told_at,
        row_number() over (
            partition by user_id, coalesce(about_id, '') order by occurred_at desc, event_id desc
        ) as recency
    from {{ dated_events_of("trial") }} as dated
    where dated_at is not null or event_name = 'trial_cancelled'
),

subscribers as (
    select
        user_id,
        max(occurred_at) as subscribed_at
    from {{ dated_events_of("subscription") }} as dated
    where event_name in ('subscription_started', 'subscription_renewed')
    group by user_id
)

select
    trials.user_id,
    cast(null as {{ dbt.type_string() }}) as entity_key,
    coalesce(trials.about_id, 'trial') || '@' || cast(trials.ends_at as {{ dbt.type_string() }}) as event_id,
    {{ add_seconds("trials.ends_at", -3 * 24 * 3600) }} as triggered_at,
    nullif(trim({{ json_text("trials.properties", "$.plan_name") }}), '') as plan_name,
    trials.ends_at,
    {{ own_url(json_text("trials.properties", "$.subscribe_url")) }} as subscribe_url
from trials
left join subscribers on trials.user_id = subscribers.user_id
where
    trials.recency = 1
    and trials.event_name <> 'trial_cancelled'
    and trials.ends_at > {{ as_of() }}
    and trials.told_at < {{ add_seconds("trials.ends_at", -3 * 24 * 3600) }}
    and coalesce(subscribers.subscribed_at < trials.told_at, true)
