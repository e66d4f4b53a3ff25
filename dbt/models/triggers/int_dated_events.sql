{{ config(materialized="incremental", incremental_strategy="append", post_hook="{{ mark_as_read() }}") }}

-- Events that name a day ahead, kept aside with that day read out: what happens next spring must not cost a
-- look through a year of events every minute. Who an event belongs to is asked when it is read, as for all events.

with arrived as (
    select
        event_id,
        event_name,
        given_id,
        occurred_at,
        visible_at,
        properties,
        case
            {%- for kind, told in dated_events().items() %}
            when event_name in {{ as_text_list(told["events"]) }} then '{{ kind }}'
            {%- endfor %}
        end as kind
    from {{ ref("int_events") }}
    {% if is_incremental() %}where visible_at >= {{ read_until(this) }}{% endif %}
),

dated as (
    select
        event_id,
        event_name,
        kind,
        given_id,
        occurred_at,
        visible_at,
        case kind
            {%- for kind, told in dated_events().items() %}
            when '{{ kind }}' then nullif({{ json_text("properties", "$." ~ told["about"]) }}, '')
            {%- endfor %}
        end as about_id,
        case kind
            {%- for kind, told in dated_events().items() %}
            when '{{ kind }}' then {{ first_moment("properties", told["day"]) }}
            {%- endfor %}
        end as dated_at,
        properties
    from arrived
    where kind is not null
)

select
    dated.event_id,
    dated.event_name,
    dated.kind,
    dated.given_id,
    dated.about_id,
    dated.occurred_at,
    dated.visible_at,
    -- Three years ahead is a slip of the pen, and a day that was over when it was named is no appointment.
    case
        when
            dated.dated_at > dated.occurred_at
            and dated.dated_at <= {{ add_seconds("dated.occurred_at", 3 * 366 * 24 * 3600) }}
            then dated.dated_at
    end as dated_at,
    dated.properties
from dated
{% if is_incremental() %}
left join (
    select event_id from {{ this }}
    where visible_at >= {{ read_until(this) }}
) as known on dated.event_id = known.event_id
where known.event_id is null
{% endif %}
