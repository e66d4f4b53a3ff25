{{ config(contract={"enforced": true}) }}

-- An order. A shop that reports it twice has sold it once: the first report that says whose it is counts.

with orders as (
    select
        user_id,
        coalesce(order_id, event_id) as order_id,
        event_id,
        occurred_at,
        coalesce({{ json_number("properties", "$.total") }}, revenue) as total,
        currency,
        coalesce(
            {{ own_url(json_text("properties", "$.order_url")) }},
            case when source = 'shopify' then {{ json_text("properties", "$.order_url") }} end
        ) as order_url,
        row_number() over (
            partition by coalesce(order_id, event_id)
            order by case when user_id like 'anon:%' then 1 else 0 end, occurred_at, event_id
        ) as report
    from {{ ref("fct_events") }}
    where occurred_at >= {{ ago(days=3) }} and event_name = 'order_completed'
),

lines as (
    select
        lines.event_id,
        lines.position,
        lines.line_id,
        lines.quantity,
        {{ item_object(
            "lines.product_id", "coalesce(products.name, lines.name, lines.product_id, '')", "lines.quantity",
            "coalesce(lines.price, products.price)", "coalesce(products.image_url, lines.image_url)"
        ) }} as item
    from {{ ref("int_order_lines") }} as lines
    inner join orders on lines.event_id = orders.event_id
    left join {{ ref("dim_products") }} as products on lines.product_id = products.product_id
    where orders.report = 1
),

items as (
    select
        event_id,
        {{ json_list_of_documents("item", "position, line_id") }} as items,
        sum(quantity) as item_count
    from lines
    group by event_id
)

select
    orders.user_id,
    orders.order_id as entity_key,
    orders.event_id,
    orders.occurred_at as triggered_at,
    orders.order_id,
    coalesce(orders.order_url, {{ shop_url("'/orders/' || orders.order_id") }}) as order_url,
    coalesce(items.items, '[]') as items,
    cast(coalesce(items.item_count, 0) as bigint) as item_count,
    orders.total,
    orders.currency,
    orders.occurred_at as ordered_at
from orders
left join items on orders.event_id = items.event_id
where orders.report = 1
