{{ config(materialized="view", contract={"enforced": true}) }}

-- One row a person: who they are, what they bought, and how that compares with everyone else who bought. The scores are
-- quintiles: the share of those who bought that is below a person, in fifths. Equals get equal scores.

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
    people.orders,
    people.revenue,
    people.last_ordered_at,
    {{ fifth_of("recency", "last_ordered_at") }} as rfm_recency,
    {{ fifth_of("frequency", "orders") }} as rfm_frequency,
    {{ fifth_of("monetary", "revenue") }} as rfm_monetary,
    -- Two accounts behind one address are one household: an experiment must not split them.
    coalesce(people.email, people.phone, people.user_id) as cluster_id
from {{ people_as_known() }} as people
cross join {{ ref("int_rfm_bounds") }} as bounds
-- Whose orders are still counted is nobody any more.
where people.user_id not like 'erased:%'
