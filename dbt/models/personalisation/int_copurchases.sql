{{ config(contract={"enforced": true}) }}

-- Products that are ordered together: of all orders with one of the two, the share that have both, by the
-- geometric mean (cosine), so that what everybody buys is not beside everything. Twice may be chance: from
-- three orders on. An order of more than 60 products is a restocking and says little of each.

with lines as (
    select distinct
        order_id,
        product_id
    from {{ ref("int_bought_products") }}
),

products as (
    select
        product_id,
        count(*) as orders
    from lines
    group by product_id
),

baskets as (
    select order_id
    from lines
    group by order_id
    having count(*) between 2 and 60
),

pairs as (
    select
        one.product_id,
        other.product_id as other_product_id,
        count(*) as orders_together
    from baskets
    inner join lines as one on baskets.order_id = one.order_id
    inner join lines as other on baskets.order_id = other.order_id and one.product_id <> other.product_id
    group by one.product_id, other.product_id
    having count(*) >= 3
),

scored as (
    select
        pairs.*,
        round(pairs.orders_together / sqrt(cast(products.orders as double) * others.orders), 6) as score
    from pairs
    inner join products on pairs.product_id = products.product_id
    inner join products as others on pairs.other_product_id = others.product_id
),

ranked as (
    select
        *,
        row_number() over (partition by product_id order by score desc, other_product_id asc) as position
    from scored
)

select
    product_id,
    other_product_id,
    orders_together,
    score,
    position
from ranked
where position <= 50
