{{ config(materialized="incremental", incremental_strategy="append", contract={"enforced": true}, tags=["hourly"]) }}

-- On which days each id was seen on what kind of device: what the tracker calls it, else what the browser
-- says of itself. A day and kind is noted once.

with events as (
    select
        coalesce(user_id, 'anon:' || anonymous_id) as given_id,
        cast(occurred_at as date) as seen_on,
        greatest(landed_at, occurred_at) as visible_at,
        lower(coalesce(
            {{ json_text("context", "$.device.type") }}, {{ json_text("context", "$.device_type") }}
        )) as device_type,
        lower({{ json_text("context", "$.userAgent") }}) as user_agent
    from {{ ref("stg_canonical__events") }}
    where
        greatest(landed_at, occurred_at) <= {{ as_of() }}
        and greatest(landed_at, occurred_at) >= {{ seen_until(this) }}
        and occurred_at >= {{ ago(days=90) }}
),

seen as (
    select
        given_id,
        seen_on,
        max(visible_at) as visible_at,
        case
            when device_type in ('tablet') or user_agent like '%ipad%' then 'tablet'
            when device_type in ('mobile', 'phone', 'smartphone', 'ios', 'android') then 'phone'
            when device_type in ('desktop', 'computer', 'laptop') then 'computer'
            when user_agent like '%mobi%' then 'phone'
            when user_agent like '%android%' then 'tablet'
            when user_agent like '%windows%' or user_agent like '%macintosh%' or user_agent like '%linux%'
                then 'computer'
        end as device
    from events
    where device_type is not null or user_agent is not null
    group by 1, 2, 4
)

select
    seen.given_id,
    seen.device,
    seen.seen_on,
    seen.visible_at
from seen
left join {{ this }} as known
    on seen.given_id = known.given_id and seen.device = known.device and seen.seen_on = known.seen_on
where seen.device is not null and known.given_id is null
