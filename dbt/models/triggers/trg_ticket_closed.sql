{{ config(contract={"enforced": true}) }}

-- A request for support was closed and stayed so. The first report of its closing counts; reopened, it is open
-- until it is closed again. Nobody is asked about spam or about a ticket that went on as another.

with tickets as (
    select
        user_id,
        event_id,
        event_name,
        occurred_at,
        properties,
        nullif({{ json_text("properties", "$.ticket_id") }}, '') as ticket_id
    from {{ ref("fct_events") }}
    where occurred_at >= {{ ago(days=5) }} and event_name in ('ticket_closed', 'ticket_reopened')
),

reopenings as (
    select
        *,
        max(case when event_name = 'ticket_reopened' then occurred_at end) over (
            partition by coalesce(ticket_id, user_id)
        ) as reopened_at
    from tickets
),

closings as (
    select
        *,
        row_number() over (
            partition by coalesce(ticket_id, user_id)
            order by case when user_id like 'anon:%' then 1 else 0 end, occurred_at, event_id
        ) as report
    from reopenings
    where
        event_name = 'ticket_closed'
        and (reopened_at is null or occurred_at > reopened_at)
        and coalesce({{ json_text("properties", "$.resolution") }}, '') not in ('spam', 'duplicate', 'merged')
)

select
    user_id,
    ticket_id as entity_key,
    event_id,
    occurred_at as triggered_at,
    ticket_id,
    nullif(trim({{ json_text("properties", "$.subject") }}), '') as ticket_subject,
    occurred_at as closed_at,
    {{ own_url(json_text("properties", "$.survey_url")) }} as survey_url
from closings
where report = 1
