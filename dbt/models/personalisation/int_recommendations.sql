{{ config(contract={"enforced": true}) }}

-- For each product of the catalogue or of an order, ten to show beside it: those ordered with it, then the
-- popular ones.

with products as (
    select product_id from {{ ref("dim_products") }}
    union
    select product_id from {{ ref("int_bought_products") }}
),

offers as (
    select
        product_id,
        other_product_id as recommended_product_id,
        score,
        position,
        'bought_together' as reason
    from {{ ref("int_copurchases") }}
    where position <= 10
    union all
    select
        products.product_id,
        popular.product_id as recommended_product_id,
        cast(0 as double) as score,
        100 + popular.position as position,
        'popular' as reason
    from products
    cross join {{ ref("int_popular_products") }} as popular
    left join {{ ref("int_copurchases") }} as together
        on
            products.product_id = together.product_id
            and popular.product_id = together.other_product_id
            and together.position <= 10
    where popular.product_id <> products.product_id and popular.position <= 21 and together.product_id is null
),

ranked as (
    select
        *,
        row_number() over (partition by product_id order by position) as place
    from offers
)

select
    product_id,
    recommended_product_id,
    place as position,
    score,
    reason
from ranked
where place <= 10
