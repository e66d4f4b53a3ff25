{{ config(contract={"enforced": true}) }}

-- Something lies in a cart that got it within three days and was not bought (int_cart_contents).

select
    user_id,
    count(*) as carts,
    cast(sum(item_count) as bigint) as item_count,
    -- A sum that leaves a product out would be a wrong price.
    case when count(total) = count(*) then sum(total) end as total
from {{ ref("int_cart_contents") }}
group by user_id
