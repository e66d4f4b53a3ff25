{{ config(contract={"enforced": true}) }}

-- An order that is with the person by now: a thank you, and what others chose with what they have. One thank you
-- for an order, and by the cap in frequency_caps.csv one a month.

with orders as (
    select * from {{ ref("int_arrived_orders") }}
    where arrived_at >= {{ ago(days=4) }}
),

items as (
    select
        lines.event_id,
        max_by(coalesce(products.name, lines.name), -lines.position) as first_item_name
    from {{ ref("int_order_lines") }} as lines
    inner join orders on lines.event_id = orders.event_id
    left join {{ ref("dim_products") }} as products on lines.product_id = products.product_id
    where coalesce(products.name, lines.name) is not null
    group by lines.event_id
)

select
    orders.user_id,
    orders.order_id as entity_key,
    orders.event_id,
    orders.arrived_at as triggered_at,
    orders.order_id,
    orders.ordered_at,
    orders.is_delivered,
    items.first_item_name,
    coalesce(recommended.items, '[]') as recommendations
from orders
left join items on orders.event_id = items.event_id
left join {{ recommended_to("orders", most=3) }} as recommended on orders.user_id = recommended.user_id
