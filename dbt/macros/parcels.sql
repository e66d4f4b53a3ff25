{# CTEs: `reports` of parcels by one event, and `numbered`, in which the first of each parcel has `report` 1. Who reports
   a parcel twice has sent one: its shipment or its tracking number says which one it is. A report that names neither
   is about the whole order, and gives way to reports that do: see `is_first_of_parcel`. `also`: more columns of an
   event, name → SQL. #}
{% macro parcel_reports(event_name, also={}) -%}
reports as (
    select
        user_id,
        event_id,
        coalesce(order_id, event_id) as order_id,
        occurred_at,
        coalesce(
            nullif({{ json_text("properties", "$.shipment_id") }}, ''),
            nullif({{ json_text("properties", "$.tracking_number") }}, '')
        ) as parcel_id,
        {% for name, expression in also.items() %}
        {{ expression }} as {{ name }},
        {% endfor %}
        {{ own_url(json_text("properties", "$.order_url")) }} as order_url
    from {{ ref("fct_events") }}
    where occurred_at >= {{ ago(days=3) }} and event_name = '{{ event_name }}'
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
{%- endmacro %}

{% macro is_first_of_parcel() -%} report = 1 and (parcel_id is not null or parcels_named = 0) {%- endmacro %}
