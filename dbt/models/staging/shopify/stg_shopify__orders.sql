-- A Shopify order as the event that it is. It lands again with every change of its status, always under
-- the same event id, so that the first one counts. What the shop marked as a test is no order.

with orders as (
    select
        row_id as order_id,
        coalesce({{ utc_timestamp(json_text("record", "$.created_at")) }}, occurred_at) as occurred_at,
        occurred_at as changed_at,
        landed_at,
        {{ json_text("record", "$.customer_id") }} as customer_id,
        nullif({{ json_text("record", "$.cart_token") }}, '') as cart_id,
        {{ json_number("record", "$.subtotal_price") }} as revenue,
        {{ json_number("record", "$.total_price") }} as total,
        {{ json_text("record", "$.currency") }} as currency,
        lower(trim({{ json_text("record", "$.email") }})) as email,
        {{ json_text("record", "$.order_status_url") }} as order_url
    from {{ source("raw", "shopify_orders") }}
    where lower(coalesce({{ json_text("record", "$.test") }}, 'false')) <> 'true'
)

select
    'shopify:order:' || order_id as event_id,
    'order_completed' as event_name,
    customer_id as user_id,
    -- A guest has no account: the address they gave is all that holds their orders together.
    case when customer_id is null then email end as anonymous_id,
    occurred_at,
    changed_at,
    landed_at,
    {{ row_as_json("orders") }} as properties,
    '{}' as context,
    'shopify' as source
from orders
