-- Every step of one entry with every decision on it.
select
    steps.step,
    decisions.decided_at,
    decisions.outcome,
    decisions.reason,
    decisions.gates,
    decisions.channel,
    decisions.blocking_id
from decisions.fct_entry_steps as steps
inner join decisions.fct_decisions as decisions on steps.candidate_id = decisions.candidate_id
where steps.entry_id = $entry_id
order by steps.step_number, decisions.decision_number
