{{ config(contract={"enforced": true}) }}

-- A parcel of an order arrived. Who reports it twice has got one: its shipment or its tracking number says which
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
        {{ own_url(json_text("properties", "$.order_url")) }} as order_url
    from {{ ref("fct_events") }}
    where occurred_at >= {{ ago(days=3) }} and event_name = 'order_delivered'
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
    occurred_at as delivered_at
from numbered
where report = 1 and (parcel_id is not null or parcels_named = 0)
