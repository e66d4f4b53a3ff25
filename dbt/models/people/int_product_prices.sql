-- Which price a product had and when. Changes that leave the price as it was are no change; what is negative
-- or not finite is no price. Before the first price that is known nobody knows another.

with changes as (
    select product_id, price, updated_at, landed_at, source from {{ ref("stg_canonical__products") }}
    union all
    select product_id, price, updated_at, landed_at, source from {{ ref("stg_shopify__products") }}
),

priced as (
    select
        product_id,
        price,
        updated_at,
        landed_at,
        source,
        lag(price) over (
            partition by product_id order by updated_at, landed_at, source, price
        ) as previous_price
    from changes
    where price between 0 and 1000000000 and greatest(landed_at, updated_at) <= {{ as_of() }}
)

select
    product_id,
    price,
    previous_price,
    case when previous_price is null then {{ beginning_of_time() }} else updated_at end as valid_from,
    coalesce(
        lead(updated_at) over (partition by product_id order by updated_at, landed_at, source, price),
        {{ end_of_time() }}
    ) as valid_to
from priced
where previous_price is null or previous_price <> price
