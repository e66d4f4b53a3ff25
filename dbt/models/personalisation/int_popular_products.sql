{{ config(contract={"enforced": true}) }}

-- The 100 products that most people ordered in the last 90 days: what to show where nothing better is known.

with counted as (
    select
        product_id,
        count(distinct user_id) as buyers
    from {{ ref("int_bought_products") }}
    where bought_at >= {{ ago(days=90) }}
    group by product_id
),

ranked as (
    select
        product_id,
        buyers,
        row_number() over (order by buyers desc, product_id asc) as position
    from counted
)

select
    product_id,
    buyers,
    position
from ranked
where position <= 100
