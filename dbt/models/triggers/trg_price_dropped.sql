{{ config(contract={"enforced": true}) }}

-- Somebody looked at a product, or put it on the wish list and left it there, did not buy it lately, and within
-- 14 days (of a wish: 90) its price fell by 5 % or more of what they saw. What counts is the price of their last
-- look or wish before the change: looking again after it takes nothing away.

with changes as (
    select
        product_id,
        price as new_price,
        valid_from as changed_at
    from {{ ref("int_product_prices") }}
    where
        valid_to = {{ end_of_time() }}
        and valid_from >= {{ ago(days=3) }}
        and price < previous_price
),

looks as (
    select
        events.user_id,
        changes.*,
        events.occurred_at as looked_at,
        0 as wish
    from {{ ref("fct_events") }} as events
    inner join changes on events.product_id = changes.product_id
    where
        events.event_name = 'product_viewed'
        and events.occurred_at >= {{ ago(days=17) }}
        and events.occurred_at >= {{ add_seconds("changes.changed_at", -14 * 24 * 3600) }}
    union all
    select
        wishes.user_id,
        changes.*,
        wishes.wished_at as looked_at,
        1 as wish
    from {{ ref("int_wishes") }} as wishes
    inner join changes on wishes.product_id = changes.product_id
    where wishes.wished_at >= {{ add_seconds("changes.changed_at", -90 * 24 * 3600) }}
),

seen as (
    select
        user_id,
        product_id,
        new_price,
        changed_at,
        max(looked_at) as looked_at,
        max(wish) = 1 as is_wished_for
    from looks
    where looked_at < changed_at
    group by user_id, product_id, new_price, changed_at
),

drops as (
    select
        seen.*,
        prices.price as old_price,
        -- Six digits are finer than any price and coarser than the noise of binary fractions.
        round(1 - seen.new_price / prices.price, 6) as drop_share
    from seen
    inner join {{ ref("int_product_prices") }} as prices
        on
            seen.product_id = prices.product_id
            and seen.looked_at >= prices.valid_from
            and seen.looked_at < prices.valid_to
    where prices.price > 0
),

bought as (
    {{ products_bought(days=93, of="drops") }}
)

select
    drops.user_id,
    drops.product_id as entity_key,
    drops.product_id || '@' || cast(drops.changed_at as {{ dbt.type_string() }}) as event_id,
    drops.changed_at as triggered_at,
    drops.product_id,
    coalesce(products.name, drops.product_id) as product_name,
    coalesce(products.product_url, {{ shop_url("'/products/' || drops.product_id") }}) as product_url,
    products.image_url,
    drops.old_price,
    drops.new_price,
    products.currency,
    cast(floor(drops.drop_share * 100) as integer) as drop_percent,
    drops.is_wished_for
from drops
inner join {{ ref("dim_products") }} as products on drops.product_id = products.product_id
left join bought on drops.user_id = bought.user_id and drops.product_id = bought.product_id
where
    drops.drop_share >= 0.05
    and coalesce(bought.bought_at < least(drops.looked_at, {{ ago(days=17) }}), true)
