{{ config(contract={"enforced": true}) }}

-- Somebody came into seg_vip within the last week and is still in it. Whoever was a VIP when the segment began
-- to be watched, or when its definition changed, did not become one.

with arrivals as (
    select
        coalesce(identity.user_id, memberships.user_id) as user_id,
        max(memberships.changed_at) as became_at
    from {{ ref("fct_segment_memberships") }} as memberships
    left join {{ ref("int_identity_map") }} as identity on memberships.user_id = identity.from_user_id
    where
        memberships.segment = 'vip'
        and memberships.change = 'entered'
        and memberships.is_news
        and memberships.changed_at >= {{ ago(days=7) }}
    group by coalesce(identity.user_id, memberships.user_id)
),

vips as (
    select
        arrivals.user_id,
        arrivals.became_at,
        members.orders
    from arrivals
    inner join {{ ref("seg_vip") }} as members on arrivals.user_id = members.user_id
)

select
    vips.user_id,
    cast(null as {{ dbt.type_string() }}) as entity_key,
    'vip@' || cast(vips.became_at as {{ dbt.type_string() }}) as event_id,
    vips.became_at as triggered_at,
    vips.orders,
    'vip' as discount_pool,
    {{ number_or_null("points.value") }} as loyalty_points,
    coalesce(recommended.items, '[]') as recommendations
from vips
left join {{ trait("loyalty_points", of="vips") }} as points on vips.user_id = points.user_id
left join {{ recommended_to("vips") }} as recommended on vips.user_id = recommended.user_id
