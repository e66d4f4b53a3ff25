{{ config(contract={"enforced": true}) }}

-- A parcel of an order arrived; each is told of once.

with {{ parcel_reports("order_delivered") }}

select
    user_id,
    order_id as entity_key,
    order_id || coalesce('@' || parcel_id, '') as event_id,
    occurred_at as triggered_at,
    order_id,
    coalesce(order_url, {{ shop_url("'/orders/' || order_id") }}) as order_url,
    occurred_at as delivered_at
from numbered
where {{ is_first_of_parcel() }}
