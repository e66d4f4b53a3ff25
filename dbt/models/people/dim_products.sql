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
        {% for attribute in ["name", "category", "currency", "image_url", "product_url", "stock"] %}
        max_by({{ attribute }}, case when {{ attribute }} is not null then turn end) as {{ attribute }}{{ "," if not loop.last }}
        {% endfor %}
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
