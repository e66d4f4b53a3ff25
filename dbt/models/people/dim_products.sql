{{ config(contract={"enforced": true}) }}

-- The catalogue as it stands: the newest word on every attribute, and the last change of the price.

with changes as (
    select * from {{ ref("stg_canonical__products") }}
    union all
    select * from {{ ref("stg_shopify__products") }}
),

numbered as (
    select
        *,
        row_number() over (partition by product_id order by updated_at, landed_at, source, name, price) as turn
    from changes
    where greatest(landed_at, updated_at) <= {{ as_of() }}
),

newest as (
    select
        product_id,
        max_by(name, case when name is not null then turn end) as name,
        max_by(category, case when category is not null then turn end) as category,
        max_by(currency, case when currency is not null then turn end) as currency,
        max_by(image_url, case when image_url is not null then turn end) as image_url,
        max_by(product_url, case when product_url is not null then turn end) as product_url,
        max_by(stock, case when stock is not null then turn end) as stock
    from numbered
    group by product_id
),

prices as (
    select * from {{ ref("int_product_prices") }}
    where valid_to = {{ end_of_time() }}
)

select
    newest.product_id,
    newest.name,
    newest.category,
    prices.price,
    prices.previous_price,
    case when prices.previous_price is not null then prices.valid_from end as price_changed_at,
    newest.currency,
    newest.image_url,
    newest.product_url,
    newest.stock
from newest
left join prices on newest.product_id = prices.product_id
