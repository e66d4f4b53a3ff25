-- A Shopify order as the event that it is. It lands again with every change of its status, always under
-- the same event id, so that the first one counts. What the shop marked as a test is no order.

with orders as (
    select
        row_id as order_id,
        occurred_at,
        landed_at,
        coalesce({{ json_text("record", "$.customer_id") }}, {{ json_text("record", "$.customer.id") }}) as customer_id,
        nullif({{ json_text("record", "$.cart_token") }}, '') as cart_id,
        {{ json_number("record", "$.subtotal_price") }} as revenue,
        {{ json_number("record", "$.total_price") }} as total,
        {{ json_text("record", "$.currency") }} as currency,
        lower(trim({{ json_text("record", "$.email") }})) as email,
        {{ json_text("record", "$.order_status_url") }} as order_url,
        {{ json_text("record", "$.line_items") }} as line_items
    from {{ source("raw", "shopify_orders") }}
    where lower(coalesce({{ json_text("record", "$.test") }}, 'false')) <> 'true'
),

lines as (
    select
        order_id,
        {{ json_list_of_documents("line", "position, line") }} as line_items
    from {{ ref("stg_shopify__order_lines") }}
    group by order_id
),

described as (
    select
        orders.order_id,
        orders.occurred_at,
        orders.landed_at,
        orders.customer_id,
        orders.cart_id,
        orders.revenue,
        orders.total,
        orders.currency,
        orders.email,
        orders.order_url,
        coalesce(orders.line_items, lines.line_items) as products
    from orders
    left join lines on orders.order_id = lines.order_id
)

select
    'shopify:order:' || order_id as event_id,
    'order_completed' as event_name,
    customer_id as user_id,
    -- A guest has no account: the address they gave is all that holds their orders together.
    case when customer_id is null then email end as anonymous_id,
    occurred_at,
    landed_at,
    {{ row_as_json("described") }} as properties,
    '{}' as context,
    'shopify' as source
from described
