{%- set ecommerce = "com_snowplowanalytics_snowplow_ecommerce_" -%}
{%- set action = "$.unstruct_event_" ~ ecommerce ~ "snowplow_ecommerce_action_1_0_0" -%}
{%- set session = "$.contexts_com_snowplowanalytics_snowplow_client_session_1_0_1" -%}

-- Snowplow's atomic rows with their contexts opened: one row an event, one column an entity (JSON text).
-- https://docs.snowplow.io/docs/events/ootb-data/ecommerce-events/

with opened as (
    select
        row_id,
        occurred_at,
        landed_at,
        {{ json_text("record", "$.event_name") }} as event_name,
        {{ json_text("record", "$.user_id") }} as user_id,
        nullif({{ json_text("record", "$.domain_userid") }}, '') as domain_userid,
        nullif({{ json_text("record", "$.network_userid") }}, '') as network_userid,
        {{ json_text("record", "$.page_url") }} as page_url,
        {{ json_text("record", "$.os_timezone") }} as device_time_zone,
        {{ json_text("record", "$.geo_timezone") }} as network_time_zone,
        {{ json_text("record", "$.geo_country") }} as network_country,
        {{ json_or_null(json_text("record", action)) }} as action,
        {{ json_or_null(json_text("record", session)) }} as session,
        {% for entity in ["user", "cart", "product", "checkout_step", "transaction"] %}
        {{ json_or_null(json_text("record", "$.contexts_" ~ ecommerce ~ entity ~ "_1_0_0")) }} as {{ entity }}_entities,
        {% endfor %}
        source_file
    from {{ source("raw", "snowplow_events") }}
)

select
    row_id,
    occurred_at,
    landed_at,
    event_name,
    {{ json_text("action", "$.type") }} as action_type,
    nullif(coalesce(user_id, {{ json_text("user_entities", "$[0].id") }}), '') as user_id,
    -- The browser's cookie, else the app's installation, else the collector's cookie.
    coalesce(domain_userid, {{ json_text("session", "$[0].userId") }}, network_userid) as anonymous_id,
    {{ json_text("user_entities", "$[0].email") }} as email,
    {{ json_text("cart_entities", "$[0].cart_id") }} as cart_id,
    {{ json_text("checkout_step_entities", "$[0].step") }} as checkout_step,
    {{ json_text("transaction_entities", "$[0].transaction_id") }} as order_id,
    {{ json_number("transaction_entities", "$[0].revenue") }} as revenue,
    coalesce(
        {{ json_text("transaction_entities", "$[0].currency") }},
        {{ json_text("cart_entities", "$[0].currency") }},
        {{ json_text("product_entities", "$[0].currency") }}
    ) as currency,
    page_url as url,
    {{ json_object({
        "timezone": "device_time_zone", "network_timezone": "network_time_zone", "network_country": "network_country",
    }) }} as context,
    cart_entities,
    product_entities
from opened
