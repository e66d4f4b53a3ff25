{{ config(contract={"enforced": true}) }}

-- One row a person: who they are, what they bought, and how that compares with everyone else who bought.

with people as (
    select
        coalesce(profiles.user_id, activity.user_id) as user_id,
        profiles.first_name,
        profiles.last_name,
        case
            when not coalesce(profiles.is_email_cleared, false) then coalesce(profiles.email, activity.email)
        end as email,
        profiles.phone,
        profiles.phone_country,
        profiles.push_token,
        -- What the person says, else what their device says; where the connection comes from only where not
        -- even a phone number tells of a zone.
        case
            when {{ is_time_zone("profiles.time_zone") }} then profiles.time_zone
            when {{ is_time_zone("activity.time_zone") }} then activity.time_zone
            when profiles.phone_time_zones is null and {{ is_time_zone("activity.network_time_zone") }}
                then activity.network_time_zone
        end as time_zone,
        profiles.phone_time_zones,
        profiles.language,
        upper(coalesce(profiles.country, profiles.phone_country, activity.network_country)) as country,
        upper(profiles.region) as region,
        profiles.preferred_channel,
        profiles.loyalty_tier,
        least(
            coalesce(activity.first_seen_at, profiles.first_seen_at),
            coalesce(profiles.first_seen_at, activity.first_seen_at)
        ) as first_seen_at,
        greatest(
            coalesce(activity.last_seen_at, profiles.last_seen_at),
            coalesce(profiles.last_seen_at, activity.last_seen_at)
        ) as last_seen_at,
        activity.last_active_at,
        coalesce(activity.orders, 0) as orders,
        coalesce(activity.revenue, 0) as revenue,
        activity.last_ordered_at
    from {{ ref("int_person_profiles") }} as profiles
    full outer join {{ ref("int_person_activity") }} as activity on profiles.user_id = activity.user_id
),

-- Quintiles of those who bought: the share of them below a person, in fifths. Equals get equal scores.
scores as (
    select
        user_id,
        least(5, 1 + floor(5 * percent_rank() over (order by last_ordered_at))) as rfm_recency,
        least(5, 1 + floor(5 * percent_rank() over (order by orders))) as rfm_frequency,
        least(5, 1 + floor(5 * percent_rank() over (order by revenue))) as rfm_monetary
    from people
    where orders > 0
)

select
    people.user_id,
    people.first_name,
    people.last_name,
    people.email,
    people.phone,
    people.phone_country,
    people.push_token,
    people.time_zone,
    people.phone_time_zones,
    people.language,
    people.country,
    people.region,
    people.preferred_channel,
    people.loyalty_tier,
    people.first_seen_at,
    people.last_seen_at,
    people.last_active_at,
    cast(people.orders as bigint) as orders,
    cast(people.revenue as double) as revenue,
    people.last_ordered_at,
    cast(scores.rfm_recency as integer) as rfm_recency,
    cast(scores.rfm_frequency as integer) as rfm_frequency,
    cast(scores.rfm_monetary as integer) as rfm_monetary,
    -- Two accounts behind one address are one household: an experiment must not split them.
    coalesce(people.email, people.phone, people.user_id) as cluster_id
from people
left join scores on people.user_id = scores.user_id
