{{ config(contract={"enforced": true}) }}

-- Points of somebody expire in two weeks. Awards that expire at one moment are told together. Whether they have been
-- spent the events do not say, so the message does not claim to know.

with awards as (
    select
        user_id,
        coalesce(about_id, event_id) as award_id,
        occurred_at,
        dated_at as expires_at,
        floor({{ json_number("properties", "$.points") }}) as points,
        row_number() over (
            partition by user_id, coalesce(about_id, event_id) order by occurred_at desc, event_id desc
        ) as recency
    from {{ dated_events_of("points") }} as dated
    where dated_at is not null
)

select
    user_id,
    cast(null as {{ dbt.type_string() }}) as entity_key,
    'expire@' || cast(expires_at as {{ dbt.type_string() }}) as event_id,
    {{ add_seconds("expires_at", -14 * 24 * 3600) }} as triggered_at,
    cast(sum(points) as bigint) as points,
    expires_at as points_expire_at
from awards
where
    recency = 1
    and points between 1 and 1000000
    and expires_at > {{ as_of() }}
    and expires_at <= {{ ago(days=-14) }}
    -- What was earned within those two weeks is no old saving.
    and occurred_at < {{ add_seconds("expires_at", -14 * 24 * 3600) }}
group by user_id, expires_at
