{{ config(meta={"is_written_every_tick": true}) }}

-- What each person did of whom there is news since int_activity_base was renewed, or of whose ids one turned out to be
-- somebody else's: their pieces, put together with what came since. Who has no first_seen_at is a person no more: all
-- that their ids did is another's.

{% set counted_until = seen_until(ref("int_activity_base"), "counted_until") %}

with {{ activity_since(ref("int_activity_base"), counted_until, end_of_time()) }},

concerned as (
    select user_id from fresh
    union
    select user_id from placed
    where user_id <> now_user_id or is_torn
    union
    select now_user_id as user_id from placed
    where user_id <> now_user_id
),

seen as (
    select
        user_id,
        {{ pieces_together() }}
    from (
        select user_id, {{ piece_columns() }} from fresh
        union all
        select now_user_id as user_id, {{ piece_columns() }} from placed
        where now_user_id in (select user_id from concerned) and given_id not in (select given_id from torn)
    ) as pieces
    group by user_id
),

reports as (
    {{ reports_of_people("concerned") }}
),

bought as (
    {{ bought_by_person("reports") }}
)

select
    concerned.user_id,
    seen.first_seen_at,
    seen.last_seen_at,
    seen.last_active_at,
    {% for column in told_columns() %}
    seen.{{ column }},
    {% endfor %}
    cast(coalesce(bought.orders, 0) as bigint) as orders,
    coalesce(bought.revenue, 0) as revenue,
    bought.last_ordered_at
from concerned
left join seen on concerned.user_id = seen.user_id
left join bought on concerned.user_id = bought.user_id
