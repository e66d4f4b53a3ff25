-- Shopify's catalogue as changes of products. Name and page belong to the product, price and stock to its
-- first variant: two kinds of change, and a null says nothing.

with product_changes as (
    select
        row_id as product_id,
        {{ json_text("record", "$.title") }} as name,
        nullif({{ json_text("record", "$.product_type") }}, '') as category,
        cast(null as double) as price,
        coalesce({{ json_text("record", "$.image_url") }}, {{ json_text("record", "$.image.src") }}) as image_url,
        {{ shop_url("'/products/' || " ~ json_text("record", "$.handle")) }} as product_url,
        cast(null as bigint) as stock,
        occurred_at as updated_at,
        landed_at
    from {{ source("raw", "shopify_products") }}
),

variant_changes as (
    select
        {{ json_text("record", "$.product_id") }} as product_id,
        cast(null as {{ dbt.type_string() }}) as name,
        cast(null as {{ dbt.type_string() }}) as category,
        {{ json_number("record", "$.price") }} as price,
        cast(null as {{ dbt.type_string() }}) as image_url,
        cast(null as {{ dbt.type_string() }}) as product_url,
        cast({{ json_number("record", "$.inventory_quantity") }} as bigint) as stock,
        occurred_at as updated_at,
        landed_at
    from {{ source("raw", "shopify_product_variants") }}
    where coalesce({{ json_text("record", "$.position") }}, '1') = '1'
)

select
    product_id,
    name,
    category,
    price,
    cast(null as {{ dbt.type_string() }}) as currency,
    image_url,
    product_url,
    stock,
    updated_at,
    landed_at,
    'shopify' as source
from (
    select * from product_changes
    union all
    select * from variant_changes
) as changes
