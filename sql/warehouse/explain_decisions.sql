-- Every step of those entries, with every decision on it; a step that is not due yet has none.
select
    steps.entry_id,
    steps.candidate_id,
    steps.step,
    steps.due_at,
    steps.expires_at,
    decisions.decided_at,
    decisions.outcome,
    decisions.reason,
    decisions.gates,
    decisions.channel,
    decisions.blocking_id,
    decisions.message_id
from decisions.fct_entry_steps as steps
left join decisions.fct_decisions as decisions on steps.candidate_id = decisions.candidate_id
left join people.int_identity_map as identity on steps.user_id = identity.from_user_id
where coalesce(identity.user_id, steps.user_id) = $user_id
order by steps.entered_at, steps.step_number, decisions.decision_number
