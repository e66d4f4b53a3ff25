-- Changes of the catalogue in the canonical shape. A null says nothing.

select
    product_id,
    name,
    category,
    price,
    currency,
    image_url,
    product_url,
    stock,
    updated_at,
    landed_at,
    source
from {{ source("raw", "products") }}
