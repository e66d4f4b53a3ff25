{{ config(contract={"enforced": true}) }}

-- A parcel of an order is on its way; each is told of once.

{% set given_number = json_text("properties", "$.tracking_number") %}
-- What is not written like a tracking number is not shown as one.
{% set tracking_number %}
case when {{ matches(given_number, "'[A-Za-z0-9][A-Za-z0-9 -]{3,39}'") }} then {{ given_number }} end
{% endset %}

with {{ parcel_reports("order_shipped", {
    "tracking_number": tracking_number,
    "tracking_url": carrier_url(json_text("properties", "$.tracking_url")),
    "carrier": "nullif(" ~ json_text("properties", "$.carrier") ~ ", '')",
    "estimated_at": utc_timestamp(json_text("properties", "$.estimated_delivery_at")),
}) }}

select
    user_id,
    order_id as entity_key,
    order_id || coalesce('@' || parcel_id, '') as event_id,
    occurred_at as triggered_at,
    order_id,
    coalesce(order_url, {{ shop_url("'/orders/' || order_id") }}) as order_url,
    tracking_number,
    tracking_url,
    carrier,
    -- Nobody promises yesterday, or a parcel for half a year from now.
    case
        when estimated_at > occurred_at and estimated_at < {{ add_seconds("occurred_at", 180 * 24 * 3600) }}
            then estimated_at
    end as estimated_delivery_at,
    occurred_at as shipped_at
from numbered
where {{ is_first_of_parcel() }}
