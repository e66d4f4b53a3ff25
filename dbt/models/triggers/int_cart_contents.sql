{{ config(materialized="view") }}

-- What is in each open cart now. What the catalogue says goes before what somebody's browser said, but for
-- the price: that is the one the person saw. Empty carts have no row.

-- What was taken out before it was put in is not owed: a product's count never sinks below none.
with counts as (
    select
        *,
        sum(
            case event_name when 'product_added' then 1 else -1 end * coalesce(quantity, 1)
        ) over (partition by user_id, cart_id, product_id order by turn rows unbounded preceding) as balance
    from {{ ref("int_open_carts") }}
    where event_name in ('product_added', 'product_removed')
),

contents as (
    select
        user_id,
        cart_id,
        product_id,
        min(turn) as turn,
        max_by(balance, turn) - least(0, min(balance)) as quantity,
        max_by(product_name, case when product_name is not null then turn end) as name,
        max_by(price, case when price is not null then turn end) as price,
        max_by(image_url, case when image_url is not null then turn end) as image_url,
        max_by(currency, case when currency is not null then turn end) as currency
    from counts
    group by user_id, cart_id, product_id
),

items as (
    select
        contents.user_id,
        contents.cart_id,
        row_number() over (partition by contents.user_id, contents.cart_id order by contents.turn) as position,
        contents.product_id,
        coalesce(products.name, contents.name, contents.product_id, '') as name,
        cast(contents.quantity as bigint) as quantity,
        coalesce(contents.price, products.price) as price,
        coalesce(products.image_url, contents.image_url) as image_url,
        coalesce(contents.currency, products.currency) as currency,
        products.stock
    from contents
    left join {{ ref("dim_products") }} as products on contents.product_id = products.product_id
    where contents.quantity > 0
)

select
    user_id,
    cart_id,
    {{ json_list_of_documents(
        json_object({
            "product_id": "product_id", "name": "name", "quantity": "quantity", "price": "price",
            "image_url": "image_url", "stock": "stock",
        }),
        "position"
    ) }} as items,
    sum(quantity) as item_count,
    -- A sum that leaves a product out would be a wrong price.
    case when count(price) = count(*) then round(sum(quantity * price), 2) end as total,
    max_by(currency, case when currency is not null then position end) as currency,
    max(case when position = 1 then name end) as first_item_name,
    max(case when position = 1 then image_url end) as first_item_image_url
from items
group by user_id, cart_id
