{{ config(contract={"enforced": true}) }}

-- Somebody looked at a product, did not buy it lately, and within 14 days its price fell by 5 % or more
-- of what they saw. What counts is the price of their last look before the change: looking again after it
-- takes nothing away.

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
        changes.product_id,
        changes.new_price,
        changes.changed_at,
        max(events.occurred_at) as looked_at
    from {{ ref("fct_events") }} as events
    inner join changes on events.product_id = changes.product_id
    where
        events.event_name = 'product_viewed'
        and events.occurred_at >= {{ ago(days=17) }}
        and events.occurred_at < changes.changed_at
        and events.occurred_at >= {{ add_seconds("changes.changed_at", -14 * 24 * 3600) }}
    group by events.user_id, changes.product_id, changes.new_price, changes.changed_at
),

drops as (
    select
        looks.*,
        seen.price as old_price,
        -- Six digits are finer than any price and coarser than the noise of binary fractions.
        round(1 - looks.new_price / seen.price, 6) as drop_share
    from looks
    inner join {{ ref("int_product_prices") }} as seen
        on
            looks.product_id = seen.product_id
            and looks.looked_at >= seen.valid_from
            and looks.looked_at < seen.valid_to
    where seen.price > 0
),

bought as (
    select
        orders.user_id,
        coalesce(orders.product_id, lines.product_id) as product_id
    from {{ ref("fct_events") }} as orders
    left join {{ ref("int_order_lines") }} as lines on orders.event_id = lines.event_id
    where orders.event_name = 'order_completed' and orders.occurred_at >= {{ ago(days=17) }}
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
    cast(floor(drops.drop_share * 100) as integer) as drop_percent
from drops
inner join {{ ref("dim_products") }} as products on drops.product_id = products.product_id
where
    drops.drop_share >= 0.05
    and not exists (
        select 1 from bought
        where bought.user_id = drops.user_id and bought.product_id = drops.product_id
    )
