-- Lines of Shopify orders, with the event of the order they belong to.

select
    row_id as line_id,
    'shopify:order:' || {{ json_text("record", "$.order_id") }} as event_id,
    cast(coalesce({{ json_number("record", "$.index") }}, 0) as bigint) as position,
    record as line,
    landed_at as visible_at
from {{ source("raw", "shopify_order_lines") }}
