{{ config(contract={"enforced": true}) }}

-- The operator has something to say that people need to know: a fault, a recall, an address that changed. It goes to
-- the people whom the notice lists, to everyone whom it is meant for, or else to the one it is about. Only what came
-- by the operator's own feeds counts (var operator_sources): events over HTTP can be sent by anybody.

with notices as (
    select
        user_id,
        event_id,
        event_name,
        occurred_at,
        coalesce(nullif({{ json_text("properties", "$.notice_id") }}, ''), event_id) as notice_id,
        nullif(trim({{ json_text("properties", "$.title") }}), '') as title,
        nullif(trim({{ json_text("properties", "$.message") }}), '') as message,
        {{ own_url(json_text("properties", "$.status_url")) }} as status_url,
        coalesce({{ json_text("properties", "$.audience") }} = 'everyone', false) as is_for_everyone,
        case
            when {{ json_text("properties", "$.user_ids") }} like '[%'
                then {{ json_or_null(json_text("properties", "$.user_ids")) }}
        end as user_ids
    from {{ ref("fct_events") }}
    where
        occurred_at >= {{ ago(days=1) }}
        and event_name in ('status_notice_published', 'status_notice_resolved')
        and source in {{ operator_sources() }}
),

-- The newest wording counts; what is resolved is no news any more.
newest as (
    select
        *,
        min(occurred_at) over (partition by notice_id) as published_at,
        row_number() over (partition by notice_id order by occurred_at desc, event_id desc) as recency
    from notices
),

open_notices as (
    select * from newest
    where recency = 1 and event_name = 'status_notice_published' and title is not null and message is not null
),

addressed as (
    select
        open_notices.notice_id,
        listed.item as user_id
    from open_notices
    {{ each_in_json_list("open_notices.user_ids", "listed") }}
    union
    select
        open_notices.notice_id,
        people.user_id
    from open_notices
    inner join {{ ref("dim_people") }} as people on people.email is not null or people.phone is not null
    where open_notices.is_for_everyone
    union
    select
        notice_id,
        user_id
    from open_notices
    where user_ids is null and not is_for_everyone
)

select
    addressed.user_id,
    notices.notice_id as entity_key,
    notices.notice_id as event_id,
    notices.published_at as triggered_at,
    notices.title as notice_title,
    notices.message as notice_message,
    notices.status_url,
    notices.published_at
from open_notices as notices
inner join addressed on notices.notice_id = addressed.notice_id
where addressed.user_id is not null
