{{ config(contract={"enforced": true}) }}

-- What people think of each product: the newest numbers of the catalogue (`rating`, `review_count`), else the
-- mean of what was said in `product_reviewed` events in two years, one voice a person. From 1 to 5.

with catalogue as (
    select
        product_id,
        max_by({{ json_number("attributes", "$.rating") }}, (updated_at, landed_at)) as rating,
        max_by({{ json_number("attributes", "$.review_count") }}, (updated_at, landed_at)) as reviews
    from {{ source("raw", "products") }}
    where
        greatest(landed_at, updated_at) <= {{ as_of() }}
        and {{ json_number("attributes", "$.rating") }} between 1 and 5
        and {{ json_number("attributes", "$.review_count") }} >= 1
    group by product_id
),

voices as (
    select
        product_id,
        user_id,
        max_by({{ json_number("properties", "$.rating") }}, (occurred_at, event_id)) as rating
    from {{ ref("fct_events") }}
    where
        event_name = 'product_reviewed'
        and product_id is not null
        and occurred_at >= {{ ago(days=730) }}
        and {{ json_number("properties", "$.rating") }} between 1 and 5
    group by product_id, user_id
),

said as (
    select
        product_id,
        avg(rating) as rating,
        count(*) as reviews
    from voices
    group by product_id
)

select
    coalesce(catalogue.product_id, said.product_id) as product_id,
    round(coalesce(catalogue.rating, said.rating), 1) as rating,
    cast(coalesce(catalogue.reviews, said.reviews) as bigint) as reviews
from catalogue
full outer join said on catalogue.product_id = said.product_id
