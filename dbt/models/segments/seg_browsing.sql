{{ config(contract={"enforced": true}) }}

-- Looked at products in the last seven days and has not ordered since: a look before an order is over.

with orders as (
    select
        user_id,
        max(occurred_at) as ordered_at
    from {{ ref("fct_events") }}
    where occurred_at >= {{ ago(days=7) }} and event_name = 'order_completed'
    group by user_id
)

select
    looks.user_id,
    count(*) as looks,
    max(looks.occurred_at) as last_looked_at,
    max_by(looks.product_id, (looks.occurred_at, looks.event_id)) as last_product_id
from {{ ref("fct_events") }} as looks
left join orders on looks.user_id = orders.user_id
where
    looks.occurred_at >= {{ ago(days=7) }}
    and looks.event_name = 'product_viewed'
    and (orders.ordered_at is null or looks.occurred_at > orders.ordered_at)
group by looks.user_id
