{{ config(contract={"enforced": true}) }}

-- A cart that somebody put something into and then left alone for 30 minutes, short of the checkout. From the
-- moment a checkout begins, the cart is trg_checkout_abandoned's and no longer this journey's.

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
where not is_checkout_begun
