-- Carts that somebody left alone for 30 minutes with something in them: one row a time one was left. The
-- event is the last product that was put in before, whenever a tick looks. Once a checkout was begun in a
-- cart, the times it was left before are over, and beginning a checkout counts as an event, too.

with activity as (
    select
        *,
        coalesce(next_at, {{ as_of() }}) >= {{ add_seconds("occurred_at", 30 * 60) }} as is_left,
        min(case when event_name = 'checkout_started' then turn end) over (partition by user_id, cart_id)
            as checkout_turn
    from {{ ref("int_open_carts") }}
),

-- A visit ends where the cart is left.
visits as (
    select
        *,
        case when event_name in ('product_added', 'checkout_started') then turn end as step_turn,
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
        max_by(event_id, step_turn) as event_id,
        max(case when step_turn is not null then occurred_at end) as last_step_at,
        {{ add_seconds("max(occurred_at)", 30 * 60) }} as triggered_at
    from visits
    group by user_id, cart_id, visit
    having max(case when is_left then 1 else 0 end) = 1 and coalesce(max(turn) >= min(checkout_turn), true)
),

carts as (
    select
        user_id,
        cart_id,
        max(checkout_turn) is not null as is_checkout_begun,
        max(case when event_name in ('product_added', 'product_removed') then 1 else 0 end) = 1 as is_content_known,
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
    coalesce(carts.cart_url, {{ shop_url("'/cart'") }}) as cart_url,
    coalesce(contents.items, '[]') as items,
    cast(coalesce(contents.item_count, 0) as bigint) as item_count,
    contents.total,
    contents.currency,
    contents.first_item_name,
    contents.first_item_image_url,
    carts.is_checkout_begun
from departures
inner join carts on departures.user_id = carts.user_id and departures.cart_id = carts.cart_id
left join {{ ref("int_cart_contents") }} as contents
    on departures.user_id = contents.user_id and departures.cart_id = contents.cart_id
where
    departures.last_step_at >= {{ ago(days=3) }}
    -- An emptied cart is nobody's. A shop that only tells of checkouts does not say what is in them.
    and (contents.cart_id is not null or not carts.is_content_known)
