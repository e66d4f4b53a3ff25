{{ config(contract={"enforced": true}) }}

-- A parcel of an order is on its way. Who reports it twice has sent one: its shipment or its tracking number says which
-- one it is. A report that names neither is about the whole order, and gives way to reports that do.

with reports as (
    select
        user_id,
        event_id,
        coalesce(order_id, event_id) as order_id,
        occurred_at,
        coalesce(
            nullif({{ json_text("properties", "$.shipment_id") }}, ''),
            nullif({{ json_text("properties", "$.tracking_number") }}, '')
        ) as parcel_id,
        -- What is not written like a tracking number is not shown as one.
        case
            when {{ matches(json_text("properties", "$.tracking_number"), "'[A-Za-z0-9][A-Za-z0-9 -]{3,39}'") }}
                then {{ json_text("properties", "$.tracking_number") }}
        end as tracking_number,
        {{ carrier_url(json_text("properties", "$.tracking_url")) }} as tracking_url,
        nullif({{ json_text("properties", "$.carrier") }}, '') as carrier,
        {{ utc_timestamp(json_text("properties", "$.estimated_delivery_at")) }} as estimated_at,
        {{ own_url(json_text("properties", "$.order_url")) }} as order_url
    from {{ ref("fct_events") }}
    where occurred_at >= {{ ago(days=3) }} and event_name = 'order_shipped'
),

numbered as (
    select
        *,
        row_number() over (
            partition by order_id, parcel_id
            order by case when user_id like 'anon:%' then 1 else 0 end, occurred_at, event_id
        ) as report,
        count(parcel_id) over (partition by order_id) as parcels_named
    from reports
)

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
where report = 1 and (parcel_id is not null or parcels_named = 0)
