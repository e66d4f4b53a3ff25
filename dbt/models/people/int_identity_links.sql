{{ config(materialized="incremental", incremental_strategy="append", post_hook="{{ mark_as_read() }}") }}

-- Each time an event tied one id to another. `from_id` is an id as events give it (`anon:` before an
-- anonymous one), `user_id` the one it was tied to. A device is tied to whoever is logged in on it; an
-- alias ties a former id for good.

with events as (
    select * from {{ ref("int_events") }}
    {% if is_incremental() %}
    where visible_at >= {{ read_until(this) }}
    {% endif %}
),

kinds as (
    select 'device' as link_kind
    union all
    select 'user'
),

links as (
    select
        event_id,
        'device' as link_kind,
        'anon:' || anonymous_id as from_id,
        user_id,
        occurred_at as linked_at,
        visible_at
    from events
    where user_id is not null and anonymous_id is not null
    union all
    -- Whether the former id was anonymous or a user's, an alias does not say: it holds for both.
    select
        events.event_id,
        kinds.link_kind,
        case when kinds.link_kind = 'device' then 'anon:' else '' end || events.previous_id as from_id,
        events.user_id,
        events.occurred_at as linked_at,
        events.visible_at
    from (
        select
            *,
            coalesce(
                {{ json_text("properties", "$.previous_id") }}, {{ json_text("properties", "$.previousId") }}
            ) as previous_id
        from events
        where event_name = 'alias' and user_id is not null
    ) as events
    cross join kinds
    where events.previous_id <> '' and events.previous_id <> events.user_id
)

select links.*
from links
{% if is_incremental() %}
left join (
    select * from {{ this }}
    where visible_at >= {{ read_until(this) }}
) as known
    on
        links.event_id = known.event_id
        and links.link_kind = known.link_kind
        and links.from_id = known.from_id
where known.event_id is null
{% endif %}
