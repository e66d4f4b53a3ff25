{{ config(contract={"enforced": true}) }}

{%- set notice_days = var("renewal_notice_days", 30) | int %}
{%- set term_days = var("renewal_notice_term_days", 180) | int %}

-- A subscription of a long term renews by itself and the law wants its person told in time: thirty days before,
-- for terms of half a year and more (vars renewal_notice_days, renewal_notice_term_days). The newest word
-- on the subscription counts. Where the day became known later than that, the notice goes at once.

with subscriptions as (
    select
        user_id,
        event_name,
        about_id,
        properties,
        dated_at as renews_at,
        min(occurred_at) over (partition by coalesce(about_id, user_id), dated_at) as told_at,
        max(case when event_name in ('subscription_started', 'subscription_renewed') then occurred_at end) over (
            partition by coalesce(about_id, user_id)
        ) as term_began_at,
        row_number() over (
            partition by coalesce(about_id, user_id) order by occurred_at desc, event_id desc
        ) as recency
    from {{ dated_events_of("subscription") }} as dated
    where dated_at is not null or event_name in ('subscription_cancelled', 'subscription_expired')
)

select
    user_id,
    about_id as entity_key,
    coalesce(about_id, 'subscription') || '@' || cast(renews_at as {{ dbt.type_string() }}) as event_id,
    greatest({{ add_seconds("renews_at", -notice_days * 24 * 3600) }}, told_at) as triggered_at,
    nullif(trim({{ json_text("properties", "$.plan_name") }}), '') as plan_name,
    case
        when {{ json_number("properties", "$.price") }} > 0 then {{ json_number("properties", "$.price") }}
    end as price,
    {{ json_text("properties", "$.currency") }} as currency,
    renews_at,
    {{ own_url(json_text("properties", "$.manage_url")) }} as manage_url
from subscriptions
where
    recency = 1
    and event_name not in ('subscription_cancelled', 'subscription_expired')
    and renews_at > {{ as_of() }}
    and renews_at <= {{ add_seconds(as_of(), notice_days * 24 * 3600) }}
    and {{ seconds_between("coalesce(term_began_at, told_at)", "renews_at") }} >= {{ term_days }} * 24 * 3600
