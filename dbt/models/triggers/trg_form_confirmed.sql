{{ config(contract={"enforced": true}) }}

-- Somebody sent a form: a question, an application, a claim. They hear that it came in. A second click is the
-- same form again: re-entry says so. Forms that nobody waits for an answer to (search, filters) stay unsent.

with submissions as (
    select
        user_id,
        event_id,
        occurred_at,
        nullif({{ json_text("properties", "$.form_id") }}, '') as form_id,
        nullif(trim({{ json_text("properties", "$.form_name") }}), '') as form_name,
        coalesce(nullif({{ json_text("properties", "$.submission_id") }}, ''), event_id) as submission_id
    from {{ ref("fct_events") }}
    where
        occurred_at >= {{ ago(days=2) }}
        and event_name = 'form_submitted'
        and coalesce({{ json_text("properties", "$.form_id") }}, '') not in {{ silent_forms() }}
),

numbered as (
    select
        *,
        row_number() over (partition by user_id, submission_id order by occurred_at, event_id) as report
    from submissions
)

select
    user_id,
    coalesce(form_id, form_name) as entity_key,
    submission_id as event_id,
    occurred_at as triggered_at,
    form_name,
    occurred_at as submitted_at
from numbered
where report = 1
