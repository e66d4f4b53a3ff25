{{ config(contract={"enforced": true}) }}

-- A cart that somebody put something into and then left alone for 30 minutes with something in it: one
-- row a time it was left. The event is the last product that was put in before, whenever a tick looks.

with activity as (
    select
        *,
        coalesce(next_at, {{ as_of() }}) >= {{ add_seconds("occurred_at", 30 * 60) }} as is_left
    from {{ ref("int_open_carts") }}
),

-- A visit ends where the cart is left.
visits as (
    select
        *,
        coalesce(
            sum(case when is_left then 1 else 0 end) over (
                partition by user_id, cart_id order by turn rows between unbounded preceding and 1 preceding
            ),
            0
        ) as visit
    from activity
),

departures as (
    select
        user_id,
        cart_id,
        max_by(event_id, case when event_name = 'product_added' then turn end) as event_id,
        max(case when event_name = 'product_added' then occurred_at end) as last_added_at,
        {{ add_seconds("max(occurred_at)", 30 * 60) }} as triggered_at
    from visits
    group by user_id, cart_id, visit
    having max(case when is_left then 1 else 0 end) = 1
),

pages as (
    select
        user_id,
        cart_id,
        max_by(cart_url, case when cart_url is not null then turn end) as cart_url
    from activity
    group by user_id, cart_id
)

select
    departures.user_id,
    -- The person's own cart is no entity: its name would change when the person becomes known.
    nullif(departures.cart_id, 'cart:' || departures.user_id) as entity_key,
    departures.event_id,
    departures.triggered_at,
    departures.cart_id,
    coalesce(pages.cart_url, {{ shop_url("'/cart'") }}) as cart_url,
    contents.items,
    cast(contents.item_count as bigint) as item_count,
    contents.total,
    contents.currency,
    contents.first_item_name,
    contents.first_item_image_url
from departures
inner join {{ ref("int_cart_contents") }} as contents
    on departures.user_id = contents.user_id and departures.cart_id = contents.cart_id
inner join pages on departures.user_id = pages.user_id and departures.cart_id = pages.cart_id
where departures.last_added_at >= {{ ago(days=3) }}
