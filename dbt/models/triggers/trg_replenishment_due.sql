{{ config(contract={"enforced": true}) }}

-- Somebody buys a product again and again, and it is time: three orders of it or more within a year, and since
-- the last the median gap between two of them has gone by. The median, because one holiday must not make it a
-- different rhythm. Gaps under a week are no rhythm but a second parcel. int_bought_products may be an hour old:
-- the orders of the last days are asked for themselves.

with orders as (
    select * from {{ ref("int_bought_products") }}
),

-- Most products are bought once: leave them before anything is sorted.
often as (
    select
        user_id,
        product_id
    from orders
    group by user_id, product_id
    having count(*) >= 3 and max(bought_at) <= {{ ago(days=7) }}
),

gaps as (
    select
        orders.*,
        lag(orders.bought_at) over (
            partition by orders.user_id, orders.product_id order by orders.bought_at, orders.order_id
        ) as before_at
    from orders
    inner join often on orders.user_id = often.user_id and orders.product_id = often.product_id
),

rhythms as (
    select
        user_id,
        product_id,
        max(bought_at) as last_ordered_at,
        max_by(order_id, (bought_at, order_id)) as last_order_id,
        {{ percentile(seconds_between("before_at", "bought_at"), 0.5) }} as gap_seconds
    from gaps
    group by user_id, product_id
),

bought_since as (
    {{ products_bought(days=2) }}
)

select
    rhythms.user_id,
    rhythms.product_id as entity_key,
    rhythms.product_id || '@' || rhythms.last_order_id as event_id,
    {{ add_seconds("rhythms.last_ordered_at", "rhythms.gap_seconds") }} as triggered_at,
    rhythms.product_id,
    coalesce(products.name, rhythms.product_id) as product_name,
    coalesce(products.product_url, {{ shop_url("'/products/' || rhythms.product_id") }}) as product_url,
    products.image_url,
    products.price,
    products.currency,
    rhythms.last_ordered_at,
    cast(round(rhythms.gap_seconds / 86400) as integer) as gap_days
from rhythms
inner join {{ ref("dim_products") }} as products on rhythms.product_id = products.product_id
left join bought_since on rhythms.user_id = bought_since.user_id and rhythms.product_id = bought_since.product_id
where
    rhythms.gap_seconds >= 7 * 86400
    and {{ add_seconds("rhythms.last_ordered_at", "rhythms.gap_seconds") }} between {{ ago(days=3) }} and {{ as_of() }}
    and coalesce(products.stock, 1) > 0
    and coalesce(bought_since.bought_at <= rhythms.last_ordered_at, true)
