{{ config(materialized="view") }}

-- What each person did: when they were seen and were there themselves, what they bought. Whoever did nothing since
-- int_activity_base was renewed, and whose ids are still theirs and no more than theirs, is as they stand there; the
-- others are in int_activity_news. The outcome is that of adding up all events.

{% set columns = ["user_id", "first_seen_at", "last_seen_at", "last_active_at"] + told_columns() + [
    "orders", "revenue", "last_ordered_at",
] %}

select {{ columns | join(", ") }} from {{ ref("int_activity_news") }}
where first_seen_at is not null
union all
select {{ columns | join(", ") }} from {{ ref("int_activity_base") }} as base
where
    base.level = 'person'
    and not exists (select 1 from {{ ref("int_activity_news") }} as news where base.user_id = news.user_id)
