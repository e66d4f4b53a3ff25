{{ config(contract={"enforced": true}) }}

-- Somebody buys a product again and again, and it is time: three orders of it or more within 400 days, and since
-- the last the median gap between two of them has gone by. The median, because one holiday must not make it a
-- different rhythm. Gaps under a week are no rhythm but a second parcel.

with orders as (
    select
        orders.user_id,
        coalesce(lines.product_id, orders.product_id) as product_id,
        coalesce(orders.order_id, orders.event_id) as order_id,
        min(orders.occurred_at) as ordered_at
    from {{ ref("fct_events") }} as orders
    left join {{ ref("int_order_lines") }} as lines on orders.event_id = lines.event_id
    where orders.event_name = 'order_completed' and orders.occurred_at >= {{ ago(days=400) }}
    group by
        orders.user_id, coalesce(lines.product_id, orders.product_id), coalesce(orders.order_id, orders.event_id)
),

-- Most products are bought once: leave them before anything is sorted.
often as (
    select
        user_id,
        product_id
    from orders
    where product_id is not null
    group by user_id, product_id
    having count(*) >= 3 and max(ordered_at) <= {{ ago(days=7) }}
),

gaps as (
    select
        orders.*,
        lag(orders.ordered_at) over (
            partition by orders.user_id, orders.product_id order by orders.ordered_at, orders.order_id
        ) as before_at
    from orders
    inner join often on orders.user_id = often.user_id and orders.product_id = often.product_id
),

rhythms as (
    select
        user_id,
        product_id,
        max(ordered_at) as last_ordered_at,
        max_by(order_id, (ordered_at, order_id)) as last_order_id,
        {{ percentile(seconds_between("before_at", "ordered_at"), 0.5) }} as gap_seconds
    from gaps
    group by user_id, product_id
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
where
    rhythms.gap_seconds >= 7 * 86400
    and {{ add_seconds("rhythms.last_ordered_at", "rhythms.gap_seconds") }} between {{ ago(days=3) }} and {{ as_of() }}
    and coalesce(products.stock, 1) > 0
