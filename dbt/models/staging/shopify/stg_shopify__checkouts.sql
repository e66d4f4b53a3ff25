-- A checkout that Shopify saw begin and not end, as the event that began it. The address in it takes
-- the person back to where they were.

with checkouts as (
    select
        row_id as checkout_id,
        coalesce({{ utc_timestamp(json_text("record", "$.created_at")) }}, occurred_at) as occurred_at,
        occurred_at as changed_at,
        landed_at,
        {{ json_text("record", "$.customer_id") }} as customer_id,
        nullif({{ json_text("record", "$.cart_token") }}, '') as cart_id,
        {{ json_text("record", "$.currency") }} as currency,
        lower(trim({{ json_text("record", "$.email") }})) as email,
        {{ json_text("record", "$.abandoned_checkout_url") }} as cart_url
    from {{ source("raw", "shopify_abandoned_checkouts") }}
)

select
    'shopify:checkout:' || checkout_id as event_id,
    'checkout_started' as event_name,
    customer_id as user_id,
    case when customer_id is null then email end as anonymous_id,
    occurred_at,
    changed_at,
    landed_at,
    {{ row_as_json("checkouts") }} as properties,
    '{}' as context,
    'shopify' as source
from checkouts
