-- One row for every gate that a due step fails, whatever other gates it fails too, with what stands
-- in the way. The numbers are the order in which a reason is given. Arbitration (10) comes after,
-- in int_decisions_this_run, because it weighs the steps that pass all of these.

with candidates as (
    select * from {{ ref("int_candidates_this_run") }}
),

-- The gates that depend on the channel are those of the channel that was chosen or, where none passes, got
-- furthest: every one it fails, so that who lifts the first learns of the next.
channels as (
    select * from {{ ref("int_chosen_channels") }}
),

failing as (
    select candidate_id, 1 as gate_order, 'suppressed' as gate, cast(null as {{ dbt.type_string() }}) as blocking_id
    from channels where is_suppressed
    union all
    select candidate_id, 2, 'no_address', null from channels where has_no_address
    union all
    select candidate_id, 3, 'undeliverable', null from channels where is_undeliverable
    union all
    select candidate_id, 4, 'no_consent', null from channels where has_no_consent
    union all
    select candidate_id, 5, 'exited', exit_event_id from {{ ref("int_exits_this_run") }}
    union all
    select candidate_id, 6, 'condition_not_met', condition from {{ ref("int_conditions_this_run") }}
    union all
    select candidate_id, 7, 'expired', null from candidates where expires_at < {{ as_of() }}
    union all
    -- The global holdout before the journey's own: who is in it gets nothing from anybody.
    select
        candidates.candidate_id,
        8,
        'holdout',
        case when min(draws.experiment) = 'global_holdout' then 'global' else min(draws.cluster_id) end
    from candidates
    inner join {{ ref("int_draws_this_run") }} as draws
        on candidates.journey = draws.journey and candidates.person_id = draws.person_id
    where
        draws.experiment in ('global_holdout', 'holdout')
        and draws.arm = 'held_out'
        and candidates.message_class = 'marketing'
    group by candidates.candidate_id
    union all
    select candidates.candidate_id, 9, 'quiet_hours', quiet.rule_id
    from candidates
    inner join {{ ref("int_quiet_people") }} as quiet
        on candidates.person_id = quiet.user_id and candidates.message_class = quiet.message_class
    where candidates.message_class = 'marketing'
    union all
    select candidate_id, 11, 'capped', cap_id from {{ ref("int_caps_this_run") }}
    union all
    select candidate_id, 12, 'route_blocked', null from channels where is_route_blocked
)

select
    candidate_id,
    gate_order,
    gate,
    blocking_id
from failing
