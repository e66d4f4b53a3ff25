{{ config(contract={"enforced": true}) }}

-- A checkout that somebody began and then left alone for 30 minutes. The cart is this journey's from the moment
-- the checkout began, and trg_cart_abandoned's only before: nobody is reminded of one cart by both.

select
    user_id,
    entity_key,
    event_id,
    triggered_at,
    cart_id,
    cart_url,
    items,
    item_count,
    total,
    currency,
    first_item_name,
    first_item_image_url
from {{ ref("int_left_carts") }}
where is_checkout_begun
