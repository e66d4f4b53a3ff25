{{ config(materialized="incremental", incremental_strategy="append") }}

-- Every event that may be seen, once, in one shape. An event may be seen once it landed and happened:
-- a file may hold tomorrow. The first that came of an event id counts.

with landed as (
    select * from {{ ref("stg_canonical__events") }}
    union all
    select * from {{ ref("stg_snowplow__events") }}
    union all
    select * from {{ ref("stg_shopify__orders") }}
    union all
    select * from {{ ref("stg_shopify__checkouts") }}
),

visible as (
    select
        *,
        greatest(landed_at, occurred_at) as visible_at
    from landed
    where greatest(landed_at, occurred_at) <= {{ as_of() }}
),

arrived as (
    select * from visible
    {% if is_incremental() %}
    -- What was visible at the last run is in already; its last moment may hold more than that run saw. A row
    -- is never older than its event: the second condition is implied, but needs no JSON to be opened.
    where visible_at >= {{ seen_until(this) }} and greatest(landed_at, changed_at) >= {{ seen_until(this) }}
    {% endif %}
),

{% if is_incremental() %}
-- A feed of events knows its own ids for ever (receivers/landing). What is left to look for: the last moment, which is
-- read twice; and ids that meet between sources, or that a source makes up anew. Of a long history only
-- the hashes are read, and the ids of the few that have one of these.
known as (
    select event_id from {{ this }}
    where visible_at >= {{ seen_until(this) }} and event_hash in (select {{ hash_of("event_id") }} from arrived)
    union all
    select event_id from {{ this }}
    where
        source in {{ as_text_list(var("sources_that_name_events")) }}
        and event_hash in (select {{ hash_of("event_id") }} from arrived)
    union all
    select event_id from {{ this }}
    where event_hash in (
        select {{ hash_of("event_id") }} from arrived
        where source in {{ as_text_list(var("sources_that_name_events")) }}
    )
),
{% endif %}

numbered as (
    select
        arrived.*,
        row_number() over (
            partition by arrived.event_id
            order by arrived.visible_at, arrived.landed_at, arrived.source, arrived.properties
        ) as turn
    from arrived
    {% if is_incremental() %}
    left join known on arrived.event_id = known.event_id
    where known.event_id is null
    {% endif %}
)

select
    event_id,
    {{ hash_of("event_id") }} as event_hash,
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
    -- Nobody takes a million of anything: a count that would overflow a sum is no count.
    case
        when {{ json_number("properties", "$.quantity") }} between 0 and 1000000
            then cast({{ json_number("properties", "$.quantity") }} as integer)
    end as quantity,
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
    coalesce(
        {{ email_or_null(json_text("properties", "$.email")) }},
        {{ email_or_null(json_text("context", "$.traits.email")) }}
    ) as email,
    -- What the device says of itself, and where its connection comes from.
    {{ json_text("context", "$.timezone") }} as time_zone,
    {{ json_text("context", "$.network_timezone") }} as network_time_zone,
    {{ json_text("context", "$.network_country") }} as network_country,
    properties,
    source
from numbered
-- An event of nobody moves nothing; it stays in raw.
where turn = 1 and coalesce(user_id, anonymous_id) is not null
-- By time, also where a year comes in one file: whoever asks for the last days opens their part of the table only.
order by occurred_at
