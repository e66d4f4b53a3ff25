{{ config(contract={"enforced": true}) }}

-- For each customer the 20 products they have not bought yet that are ordered most with those they have. Who is
-- not here is shown what is popular: the macro recommended_to fills up.

with bought as (
    select distinct
        user_id,
        product_id
    from {{ ref("int_bought_products") }}
),

scored as (
    select
        bought.user_id,
        together.other_product_id as product_id,
        round(sum(together.score), 6) as score
    from bought
    inner join {{ ref("int_copurchases") }} as together on bought.product_id = together.product_id
    left join bought as had on bought.user_id = had.user_id and together.other_product_id = had.product_id
    where had.user_id is null
    group by bought.user_id, together.other_product_id
),

ranked as (
    select
        *,
        row_number() over (partition by user_id order by score desc, product_id asc) as position
    from scored
)

select
    user_id,
    product_id,
    score,
    position
from ranked
where position <= 20
