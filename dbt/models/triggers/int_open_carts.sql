-- What happened in each cart since it was last bought, for carts that got something, or whose checkout was
-- begun, in the last three days. An order closes the cart it names, whoever pays; where the order or the cart
-- has no id of its own, it closes every such cart of the person: rather no reminder than one for what was
-- bought. A cart without an id ends by itself when nothing happens in it for three days.

-- Only whose cart may be open is looked at: the thirty days of everybody else are many more.
with busy as (
    select distinct user_id
    from {{ ref("fct_events") }}
    where occurred_at >= {{ ago(days=3) }} and event_name in ('product_added', 'checkout_started')
),

activity as (
    select
        *,
        cart_id = 'cart:' || user_id as is_of_person,
        lag(occurred_at) over (partition by user_id, cart_id order by occurred_at, event_id) as before_at
    from {{ ref("fct_events") }}
    where
        occurred_at >= {{ ago(days=30) }}
        and event_name in {{ cart_events() }}
        and user_id in (select user_id from busy)
),

orders as (
    select
        user_id,
        cart_id,
        cart_id = 'cart:' || user_id as is_of_person,
        occurred_at
    from {{ ref("fct_events") }}
    where occurred_at >= {{ ago(days=30) }} and event_name = 'order_completed'
),

carts as (
    select
        user_id,
        cart_id,
        is_of_person,
        max(occurred_at) as last_step_at
    from activity
    where event_name in ('product_added', 'checkout_started')
    group by user_id, cart_id, is_of_person
    having max(occurred_at) >= {{ ago(days=3) }}
),

closings as (
    select
        carts.user_id,
        carts.cart_id,
        orders.occurred_at
    from carts
    inner join orders on carts.cart_id = orders.cart_id
    union all
    select
        carts.user_id,
        carts.cart_id,
        orders.occurred_at
    from carts
    inner join orders on carts.user_id = orders.user_id
    where carts.is_of_person or orders.is_of_person
    union all
    select
        user_id,
        cart_id,
        before_at as occurred_at
    from activity
    where is_of_person and {{ seconds_between("before_at", "occurred_at") }} > 3 * 24 * 3600
),

closed as (
    select
        user_id,
        cart_id,
        max(occurred_at) as closed_at
    from closings
    group by user_id, cart_id
)

select
    activity.event_id,
    activity.event_name,
    activity.user_id,
    activity.cart_id,
    activity.occurred_at,
    activity.product_id,
    activity.product_name,
    activity.quantity,
    activity.price,
    activity.currency,
    activity.image_url,
    coalesce(
        {{ own_url(json_text("activity.properties", "$.cart_url")) }},
        {{ own_url(json_text("activity.properties", "$.checkout_url")) }},
        -- Shopify said it, not somebody's browser.
        case when activity.source = 'shopify' then {{ json_text("activity.properties", "$.cart_url") }} end
    ) as cart_url,
    row_number() over (
        partition by activity.user_id, activity.cart_id order by activity.occurred_at, activity.event_id
    ) as turn,
    lead(activity.occurred_at) over (
        partition by activity.user_id, activity.cart_id order by activity.occurred_at, activity.event_id
    ) as next_at
from activity
inner join carts on activity.user_id = carts.user_id and activity.cart_id = carts.cart_id
left join closed on activity.user_id = closed.user_id and activity.cart_id = closed.cart_id
where
    carts.last_step_at > coalesce(closed.closed_at, {{ beginning_of_time() }})
    and activity.occurred_at > coalesce(closed.closed_at, {{ beginning_of_time() }})
