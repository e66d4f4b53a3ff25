-- Snowplow's e-commerce actions under canonical names. An action on two products is two events, of which
-- the second has `#2` behind its id. The tracker may leave the action out; then a transaction or a
-- checkout step still says what happened, and a cart that changed says only that it did.

with actions as (
    select
        *,
        action_type in ('add_to_cart', 'remove_from_cart', 'product_view', 'list_click')
        and coalesce(product_entities, '[]') <> '[]' as is_about_products,
        case
            when action_type = 'add_to_cart' then 'product_added'
            when action_type = 'remove_from_cart' then 'product_removed'
            when action_type = 'product_view' then 'product_viewed'
            when action_type = 'list_click' then 'product_clicked'
            when action_type = 'list_view' then 'product_list_viewed'
            when action_type = 'promo_view' then 'promotion_viewed'
            when action_type = 'promo_click' then 'promotion_clicked'
            when action_type = 'refund' then 'order_refunded'
            when action_type = 'transaction' or order_id is not null then 'order_completed'
            when checkout_step = '1' then 'checkout_started'
            when action_type = 'checkout_step' or checkout_step is not null then 'checkout_step_completed'
            when action_type is null and cart_entities <> '[]' then 'cart_updated'
            else coalesce(event_name, 'snowplow_event')
        end as canonical_name
    from {{ ref("stg_snowplow__actions") }}
),

items as (
    select
        *,
        {{ json_items("product_entities") }}
    from actions
    where is_about_products
),

events as (
    select
        row_id || case when position = 0 then '' else '#' || (position + 1) end as event_id,
        row_id,
        occurred_at,
        landed_at,
        user_id,
        anonymous_id,
        email,
        cart_id,
        order_id,
        revenue,
        currency,
        url,
        context,
        canonical_name,
        {{ json_text("item", "$.id") }} as product_id,
        {{ item_name("item") }} as name,
        {{ json_number("item", "$.price") }} as price,
        {{ json_number("item", "$.quantity") }} as quantity,
        cast(null as {{ dbt.type_string() }}) as products
    from items
    union all
    select
        row_id as event_id,
        row_id,
        occurred_at,
        landed_at,
        user_id,
        anonymous_id,
        email,
        cart_id,
        order_id,
        revenue,
        currency,
        url,
        context,
        canonical_name,
        cast(null as {{ dbt.type_string() }}) as product_id,
        cast(null as {{ dbt.type_string() }}) as name,
        cast(null as double) as price,
        cast(null as double) as quantity,
        product_entities as products
    from actions
    where is_about_products is not true
)

select
    event_id,
    canonical_name as event_name,
    user_id,
    anonymous_id,
    occurred_at,
    occurred_at as changed_at,
    landed_at,
    {{ row_as_json("events") }} as properties,
    context,
    'snowplow' as source
from events
