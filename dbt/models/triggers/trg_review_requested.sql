{{ config(contract={"enforced": true}) }}

-- An order that is with the person by now, of which they have not written a review since they placed it. Only of
-- an order whose products the catalogue knows: without a page there is no place to write on.

with orders as (
    select * from {{ ref("int_arrived_orders") }}
    where arrived_at >= {{ ago(days=10) }}
),

reviews as (
    select
        user_id,
        max(occurred_at) as reviewed_at
    from {{ ref("fct_events") }}
    where occurred_at >= {{ ago(days=20) }} and event_name = 'product_reviewed'
    group by user_id
),

products as (
    select
        lines.event_id,
        lines.product_id,
        min(lines.position) as position,
        max(products.name) as name,
        max(products.image_url) as image_url,
        coalesce(max(products.product_url), {{ shop_url("'/products/' || lines.product_id") }}) as product_url
    from {{ ref("int_order_lines") }} as lines
    inner join orders on lines.event_id = orders.event_id
    inner join {{ ref("dim_products") }} as products on lines.product_id = products.product_id
    where products.name is not null
    group by lines.event_id, lines.product_id
),

items as (
    select
        event_id,
        {{ json_list_of_documents(
            json_object({
                "product_id": "product_id", "name": "name", "image_url": "image_url", "product_url": "product_url",
            }),
            "position, product_id"
        ) }} as items,
        max_by(name, -position) as first_item_name,
        max_by(image_url, -position) as first_item_image_url,
        max_by(product_url, -position) as first_item_url
    from products
    group by event_id
)

select
    orders.user_id,
    orders.order_id as entity_key,
    orders.event_id,
    orders.arrived_at as triggered_at,
    orders.order_id,
    orders.ordered_at,
    items.items,
    items.first_item_name,
    items.first_item_image_url,
    items.first_item_url
from orders
inner join items on orders.event_id = items.event_id
left join reviews on orders.user_id = reviews.user_id
where coalesce(reviews.reviewed_at < orders.ordered_at, true)
