{{ config(contract={"enforced": true}) }}

-- A product that was sold out can be had again, and still. Told to who looked at it or asked for it
-- (`stock_alert_requested`) while there was none, or had it on the wish list when it came back, and did not buy
-- it since.

with returns as (
    select * from {{ ref("int_restocks") }}
    where back_at >= {{ ago(days=3) }}
),

signs as (
    {% for event_name, days in [("product_viewed", 33), ("stock_alert_requested", 93)] %}
    select
        events.user_id,
        returns.*,
        events.occurred_at as wanted_at,
        '{{ event_name }}' as sign
    from {{ ref("fct_events") }} as events
    inner join returns on events.product_id = returns.product_id
    where
        events.event_name = '{{ event_name }}'
        and events.occurred_at >= {{ ago(days=days) }}
        and events.occurred_at >= returns.gone_at
    union all
    {% endfor %}
    select
        wishes.user_id,
        returns.*,
        wishes.wished_at as wanted_at,
        'wish' as sign
    from {{ ref("int_wishes") }} as wishes
    inner join returns on wishes.product_id = returns.product_id
),

people as (
    select
        user_id,
        product_id,
        back_at,
        least(min(wanted_at), min(gone_at)) as wanted_at,
        max(case when sign = 'stock_alert_requested' then 1 else 0 end) = 1 as is_asked_for,
        max(case when sign = 'wish' then 1 else 0 end) = 1 as is_wished_for
    from signs
    where wanted_at < back_at
    group by user_id, product_id, back_at
),

bought as (
    {{ products_bought(days=93, of="people") }}
)

select
    people.user_id,
    people.product_id as entity_key,
    people.product_id || '@' || cast(people.back_at as {{ dbt.type_string() }}) as event_id,
    people.back_at as triggered_at,
    people.product_id,
    coalesce(products.name, people.product_id) as product_name,
    coalesce(products.product_url, {{ shop_url("'/products/' || people.product_id") }}) as product_url,
    products.image_url,
    products.price,
    products.currency,
    people.is_asked_for,
    people.is_wished_for
from people
inner join {{ ref("dim_products") }} as products on people.product_id = products.product_id
left join bought on people.user_id = bought.user_id and people.product_id = bought.product_id
where coalesce(bought.bought_at < people.wanted_at, true)
