-- The verdict on every due step: in = send + hold + suppress, with the first failing gate as the
-- reason and all of them kept. Quiet hours, a rival and a blocked route pass: where one of these is
-- the reason, the step waits and everything is judged again.

with gates as (
    select
        candidate_id,
        gate_order,
        gate,
        blocking_id
    from {{ ref("int_failing_gates") }}
    union all
    select
        candidate_id,
        10 as gate_order,
        'outranked' as gate,
        blocking_id
    from {{ ref("int_arbitration") }}
),

summed as (
    select
        candidate_id,
        {{ json_list("gate", "gate_order") }} as gates,
        min(gate_order) as first_gate,
        min(case when gate = 'holdout' then gate_order end) as holdout_gate,
        min(case when gate <> 'holdout' then gate_order end) as first_other_gate
    from gates
    group by candidate_id
),

-- A held-out person waits like everybody else, so that both arms of the measurement meet the same
-- gates at the same time: the holdout is the reason only when nothing passing stands behind it.
judged as (
    select
        candidate_id,
        gates,
        holdout_gate is not null as is_holdout,
        first_other_gate is null as is_exposed,
        case
            when first_gate = holdout_gate and first_other_gate in (9, 10, 12) then first_other_gate
            else first_gate
        end as deciding_gate
    from summed
)

select
    candidates.candidate_id,
    candidates.entry_id,
    candidates.journey,
    candidates.journey_version,
    candidates.step,
    candidates.step_number,
    candidates.person_id as user_id,
    candidates.entity_key,
    candidates.event_id,
    candidates.entered_at,
    candidates.due_at,
    candidates.expires_at,
    coalesce(variant_templates.template, candidates.template) as template,
    candidates.message_class,
    candidates.priority,
    candidates.on_unknown,
    chosen.channel,
    chosen.message_id,
    case
        when gates.gate is null then 'send'
        when gates.gate in ('quiet_hours', 'outranked', 'route_blocked') then 'hold'
        else 'suppress'
    end as outcome,
    coalesce(gates.gate, 'due') as reason,
    coalesce(judged.gates, '[]') as gates,
    gates.blocking_id,
    draws.arm as variant,
    coalesce(judged.is_holdout, false) as is_holdout,
    coalesce(judged.is_exposed, true) as is_exposed
from {{ ref("int_candidates_this_run") }} as candidates
inner join {{ ref("int_chosen_channels") }} as chosen on candidates.candidate_id = chosen.candidate_id
left join judged on candidates.candidate_id = judged.candidate_id
left join gates on judged.candidate_id = gates.candidate_id and judged.deciding_gate = gates.gate_order
left join {{ ref("int_draws_this_run") }} as draws
    on
        candidates.journey = draws.journey
        and candidates.person_id = draws.person_id
        and draws.experiment = 'variant'
left join {{ source("policy", "variant_templates") }} as variant_templates
    on
        candidates.journey = variant_templates.journey
        and candidates.step = variant_templates.step
        and draws.arm = variant_templates.variant
