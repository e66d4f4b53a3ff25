{{ config(materialized="incremental", incremental_strategy="append", contract={"enforced": true}) }}

-- depends_on: {{ ref("int_assignments") }}

-- Why each person did or did not get each message: one row a decision, never changed. A step that
-- waits is decided again in every tick; the row is written when the verdict or its reasons change.
-- After int_assignments: a decision that is on record must not outlive the draw that it followed.

with latest as (
    select
        *,
        row_number() over (partition by candidate_id order by decision_number desc) as recency
    from {{ source("history", "fct_decisions") }}
    where
        decided_at >= {{ earliest(ref("int_decisions_this_run"), "due_at") }}
        and candidate_id in (select candidate_id from {{ ref("int_decisions_this_run") }})
),

changed as (
    select
        decisions.*,
        coalesce(latest.decision_number, 0) + 1 as decision_number
    from {{ ref("int_decisions_this_run") }} as decisions
    left join latest on decisions.candidate_id = latest.candidate_id and latest.recency = 1
    where
        latest.candidate_id is null
        or latest.outcome <> decisions.outcome
        or latest.reason <> decisions.reason
        or latest.gates <> decisions.gates
        or latest.message_id <> decisions.message_id
)

select
    {{ uuid5("candidate_id || '|' || cast(decision_number as " ~ dbt.type_string() ~ ")") }} as decision_id,
    candidate_id,
    decision_number,
    journey,
    journey_version,
    step,
    step_number,
    user_id,
    entity_key,
    event_id,
    entered_at,
    due_at,
    {{ as_of() }} as decided_at,
    outcome,
    reason,
    gates,
    channel,
    blocking_id,
    variant,
    is_holdout,
    is_exposed,
    priority,
    expires_at,
    template,
    message_class,
    message_id,
    on_unknown
from changed
