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

by_product as (
    select
        actions.row_id || case when entity.position = 1 then '' else '#' || entity.position end as event_id,
        actions.*,
        {{ json_text("entity.item", "$.id") }} as product_id,
        {{ item_name("entity.item") }} as name,
        {{ json_number("entity.item", "$.price") }} as price,
        {{ json_number("entity.item", "$.quantity") }} as quantity,
        cast(null as {{ dbt.type_string() }}) as products
    from actions
    {{ each_json_item("actions.product_entities", "entity") }}
    where actions.is_about_products
),

whole as (
    select
        row_id as event_id,
        actions.*,
        cast(null as {{ dbt.type_string() }}) as product_id,
        cast(null as {{ dbt.type_string() }}) as name,
        cast(null as double) as price,
        cast(null as double) as quantity,
        product_entities as products
    from actions
    where is_about_products is not true
),

events as (
    select * from by_product
    union all
    select * from whole
)

select
    event_id,
    canonical_name as event_name,
    user_id,
    anonymous_id,
    occurred_at,
    landed_at,
    {{ row_as_json("events") }} as properties,
    '{}' as context,
    'snowplow' as source
from events
