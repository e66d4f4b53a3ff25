{{ config(materialized="view") }}

-- What each person did: when they were seen and were there themselves, what they bought. Whoever did nothing since
-- int_activity_base was renewed, and whose ids are still theirs and no more than theirs, is as they stand there; the
-- others' pieces are put together with what came since. The outcome is that of adding up all events.

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
    seen.user_id,
    seen.first_seen_at,
    seen.last_seen_at,
    seen.last_active_at,
    {% for column in told_columns() %}
    seen.{{ column }},
    {% endfor %}
    coalesce(bought.orders, 0) as orders,
    coalesce(bought.revenue, 0) as revenue,
    bought.last_ordered_at
from seen
left join bought on seen.user_id = bought.user_id
union all
select
    user_id,
    first_seen_at,
    last_seen_at,
    last_active_at,
    {% for column in told_columns() %}
    {{ column }},
    {% endfor %}
    orders,
    revenue,
    last_ordered_at
from {{ ref("int_activity_base") }}
where level = 'person' and user_id not in (select user_id from concerned)
