{{ config(contract={"enforced": true}) }}

-- A visit with two looks at products or more, after which nothing was put into the cart and nothing bought; it
-- is over after 30 minutes without a look. It is about the product that was looked at most, of equals the last,
-- of those that can be had.

with events as (
    select
        user_id,
        event_id,
        event_name,
        occurred_at,
        product_id,
        product_name,
        image_url,
        max(case when event_name <> 'product_viewed' then occurred_at end) over (partition by user_id) as taken_at
    from {{ ref("fct_events") }}
    where occurred_at >= {{ ago(days=3) }} and event_name in ('product_viewed', 'product_added', 'order_completed')
),

views as (
    select
        *,
        lag(occurred_at) over (partition by user_id order by occurred_at, event_id) as before_at
    from events
    where event_name = 'product_viewed' and product_id is not null
),

numbered as (
    select
        *,
        sum(case when {{ seconds_between("before_at", "occurred_at") }} < 30 * 60 then 0 else 1 end) over (
            partition by user_id order by occurred_at, event_id rows unbounded preceding
        ) as visit
    from views
),

visits as (
    select
        user_id,
        visit,
        taken_at,
        min(occurred_at) as began_at,
        max(occurred_at) as ended_at,
        max_by(event_id, (occurred_at, event_id)) as event_id
    from numbered
    group by user_id, visit, taken_at
    having count(*) >= 2 and max(occurred_at) between {{ ago(days=2) }} and {{ ago(minutes=30) }}
),

favourites as (
    select
        numbered.user_id,
        numbered.visit,
        numbered.product_id,
        coalesce(max(products.name), max(numbered.product_name), numbered.product_id) as product_name,
        coalesce(max(products.image_url), max(numbered.image_url)) as image_url,
        max(products.product_url) as product_url,
        max(products.price) as price,
        max(products.currency) as currency,
        row_number() over (
            partition by numbered.user_id, numbered.visit
            order by count(*) desc, max(numbered.occurred_at) desc, numbered.product_id
        ) as place
    from numbered
    left join {{ ref("dim_products") }} as products on numbered.product_id = products.product_id
    where coalesce(products.stock, 1) > 0
    group by numbered.user_id, numbered.visit, numbered.product_id
)

select
    visits.user_id,
    cast(null as {{ dbt.type_string() }}) as entity_key,
    visits.event_id,
    {{ add_seconds("visits.ended_at", 30 * 60) }} as triggered_at,
    favourites.product_id,
    favourites.product_name,
    coalesce(favourites.product_url, {{ shop_url("'/products/' || favourites.product_id") }}) as product_url,
    favourites.image_url,
    favourites.price,
    favourites.currency
from visits
inner join favourites on visits.user_id = favourites.user_id and visits.visit = favourites.visit
where favourites.place = 1 and coalesce(visits.taken_at < visits.began_at, true)
