{{ config(materialized="incremental", incremental_strategy="append") }}

-- Every event that may be seen, once, in one shape. An event may be seen once it landed and happened:
-- a file may hold tomorrow. The first that came of an event id counts.

with landed as (
    {% for events in ["stg_canonical__events", "stg_snowplow__events", "stg_shopify__orders", "stg_shopify__checkouts"] %}
    select * from {{ ref(events) }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

arrived as (
    select
        *,
        greatest(landed_at, occurred_at) as visible_at
    from landed
    where greatest(landed_at, occurred_at) <= {{ as_of() }}
    {% if is_incremental() %}
    -- What was visible at the last run is in already; its last moment may hold more than that run saw.
    and greatest(landed_at, occurred_at)
    >= (select coalesce(max(visible_at), {{ beginning_of_time() }}) from {{ this }})
    {% endif %}
),

numbered as (
    select
        arrived.*,
        row_number() over (
            partition by arrived.event_id
            order by arrived.visible_at, arrived.landed_at, arrived.source, arrived.properties
        ) as turn
    from arrived
    where coalesce(arrived.user_id, arrived.anonymous_id) is not null
    {% if is_incremental() %}
    and not exists (select 1 from {{ this }} as known where known.event_id = arrived.event_id)
    {% endif %}
)

select
    event_id,
    event_name,
    coalesce(user_id, 'anon:' || anonymous_id) as given_id,
    user_id,
    anonymous_id,
    occurred_at,
    landed_at,
    visible_at,
    nullif({{ json_text("properties", "$.cart_id") }}, '') as cart_id,
    nullif({{ json_text("properties", "$.order_id") }}, '') as order_id,
    nullif({{ json_text("properties", "$.product_id") }}, '') as product_id,
    -- A page has a name too.
    case
        when {{ json_text("properties", "$.product_id") }} is not null then {{ json_text("properties", "$.name") }}
    end as product_name,
    try_cast({{ json_number("properties", "$.quantity") }} as integer) as quantity,
    {{ json_number("properties", "$.price") }} as price,
    case
        when event_name like 'order_%' then coalesce(
            {{ json_number("properties", "$.revenue") }},
            {{ json_number("properties", "$.total") }},
            {{ json_number("properties", "$.value") }}
        )
    end as revenue,
    {{ json_text("properties", "$.currency") }} as currency,
    {{ json_text("properties", "$.image_url") }} as image_url,
    {{ json_text("properties", "$.url") }} as url,
    lower(trim(coalesce(
        {{ json_text("properties", "$.email") }},
        {{ json_text("context", "$.traits.email") }}
    ))) as email,
    properties,
    source
from numbered
where turn = 1
