{{ config(contract={"enforced": true}) }}

-- What each person ordered in a year, and in which order: once a product and order.

select
    orders.user_id,
    coalesce(orders.order_id, orders.event_id) as order_id,
    coalesce(lines.product_id, orders.product_id) as product_id,
    min(orders.occurred_at) as bought_at
from {{ ref("fct_events") }} as orders
left join {{ ref("int_order_lines") }} as lines on orders.event_id = lines.event_id
where
    orders.event_name = 'order_completed'
    and orders.occurred_at >= {{ ago(days=365) }}
    and orders.occurred_at <= {{ as_of() }}
    and coalesce(lines.product_id, orders.product_id) is not null
group by orders.user_id, coalesce(orders.order_id, orders.event_id), coalesce(lines.product_id, orders.product_id)
