{{ config(contract={"enforced": true}) }}

-- Somebody came back to one product: the third look within seven days, without buying it or putting it into the
-- cart since the first. Looks less than 30 minutes after the one before are the same look: a page that is loaded
-- again is no interest.

with views as (
    select
        user_id,
        event_id,
        product_id,
        product_name,
        image_url,
        occurred_at,
        lag(occurred_at) over (partition by user_id, product_id order by occurred_at, event_id) as before_at
    from {{ ref("fct_events") }}
    where occurred_at >= {{ ago(days=17) }} and event_name = 'product_viewed' and product_id is not null
),

looks as (
    select
        *,
        lag(occurred_at, 1) over (partition by user_id, product_id order by occurred_at, event_id) as one_back_at,
        lag(occurred_at, 2) over (partition by user_id, product_id order by occurred_at, event_id) as two_back_at,
        lag(occurred_at, 3) over (partition by user_id, product_id order by occurred_at, event_id) as three_back_at
    from views
    where before_at is null or {{ seconds_between("before_at", "occurred_at") }} >= 30 * 60
),

-- The look that made it three; a fourth and a fifth in the same seven days are no news.
third_looks as (
    select * from looks
    where
        occurred_at >= {{ ago(days=2) }}
        and {{ seconds_between("two_back_at", "occurred_at") }} <= 7 * 24 * 3600
        and coalesce({{ seconds_between("three_back_at", "one_back_at") }} > 7 * 24 * 3600, true)
),

taken as (
    {{ products_bought(days=9) }}
    union all
    select
        user_id,
        product_id,
        max(occurred_at) as bought_at
    from {{ ref("fct_events") }}
    where event_name = 'product_added' and occurred_at >= {{ ago(days=9) }}
    group by user_id, product_id
)

select
    looks.user_id,
    looks.product_id as entity_key,
    looks.event_id,
    looks.occurred_at as triggered_at,
    looks.product_id,
    coalesce(products.name, looks.product_name, looks.product_id) as product_name,
    coalesce(products.product_url, {{ shop_url("'/products/' || looks.product_id") }}) as product_url,
    coalesce(products.image_url, looks.image_url) as image_url,
    products.price,
    products.currency,
    coalesce(beside.items, '[]') as recommendations
from third_looks as looks
left join {{ ref("dim_products") }} as products on looks.product_id = products.product_id
left join {{ recommended_beside("third_looks", most=3) }} as beside on looks.product_id = beside.product_id
where
    coalesce(products.stock, 1) > 0
    and not exists (
        select 1 from taken
        where
            taken.user_id = looks.user_id
            and taken.product_id = looks.product_id
            and taken.bought_at >= looks.two_back_at
    )
