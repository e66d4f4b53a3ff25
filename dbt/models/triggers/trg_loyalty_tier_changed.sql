{{ config(contract={"enforced": true}) }}

-- Somebody's tier went up, as their profile's history tells (vars.loyalty_tiers names them, lowest first). The same
-- tier said again is no change, and the newest change counts: who is down again is not congratulated. A first tier
-- is none that went up, and one that the list does not have is none at all.

with told as (
    select
        given_id,
        trim(loyalty_tier) as tier,
        {{ tier_rank("loyalty_tier") }} as tier_rank,
        updated_at,
        landed_at
    from {{ ref("stg_canonical__profiles") }}
    where loyalty_tier is not null and landed_at <= {{ as_of() }} and updated_at <= {{ as_of() }}
),

lately as (
    select given_id from told
    where updated_at >= {{ ago(days=5) }}
),

histories as (
    select
        *,
        lag(tier) over (partition by given_id order by updated_at, landed_at, tier_rank) as tier_before,
        lag(tier_rank) over (partition by given_id order by updated_at, landed_at, tier_rank) as rank_before
    from told
    where tier_rank > 0 and given_id in (select lately.given_id from lately)
),

changes as (
    select
        *,
        row_number() over (partition by given_id order by updated_at desc, landed_at desc, tier_rank desc) as recency
    from histories
    where rank_before is null or tier_rank <> rank_before
)

select
    coalesce(identity.user_id, changes.given_id) as user_id,
    lower(changes.tier) as entity_key,
    lower(changes.tier) || '@' || cast(changes.updated_at as {{ dbt.type_string() }}) as event_id,
    changes.updated_at as triggered_at,
    changes.tier as new_tier,
    changes.tier_before as old_tier
from changes
left join {{ ref("int_identity_map") }} as identity on changes.given_id = identity.from_user_id
where
    changes.recency = 1
    and changes.tier_rank > changes.rank_before
    and changes.updated_at >= {{ ago(days=5) }}
