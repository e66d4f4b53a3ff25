-- Lines of Shopify orders as they stand now: an order that is edited lands its lines again.

with versions as (
    select
        record,
        row_number() over (partition by row_id order by landed_at desc, occurred_at desc, record desc) as recency
    from {{ source("raw", "shopify_order_lines") }}
)

select
    {{ json_text("record", "$.order_id") }} as order_id,
    record as line,
    coalesce({{ json_number("record", "$.index") }}, 0) as position
from versions
where recency = 1
