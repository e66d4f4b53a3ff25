{{ config(materialized="view") }}

-- Products that were sold out, can be had again, and still can. The feed says how many there are, not when that
-- changed: the change is seen between two rows of it. What is only known from then on never came back.

with history as (
    select product_id, stock, updated_at, landed_at, source from {{ ref("stg_canonical__products") }}
    union all
    select product_id, stock, updated_at, landed_at, source from {{ ref("stg_shopify__products") }}
),

counted as (
    select
        product_id,
        stock > 0 as is_there,
        updated_at,
        row_number() over (partition by product_id order by updated_at, landed_at, source, stock) as turn,
        lag(stock > 0) over (partition by product_id order by updated_at, landed_at, source, stock) as was_there
    from history
    where stock is not null and greatest(landed_at, updated_at) <= {{ as_of() }}
),

changes as (
    select
        product_id,
        is_there,
        updated_at as back_at,
        lag(updated_at) over (partition by product_id order by turn) as gone_at,
        lead(turn) over (partition by product_id order by turn) is null as is_last
    from counted
    where was_there is null or was_there <> is_there
)

select
    product_id,
    gone_at,
    back_at
from changes
where is_there and is_last and gone_at is not null
