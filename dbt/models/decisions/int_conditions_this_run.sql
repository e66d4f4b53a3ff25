-- Due steps whose condition does not hold: the trigger selects the person and entity no longer, the policy no
-- longer names the step, the journey is not open to the person yet, an `only_if` is not met or a `skip_if`
-- is. A condition is a segment (`seg_…`) or what became of an earlier step (`clicked.reminder`). Opens by
-- machines never count: nobody did anything.

with candidates as (
    select * from {{ ref("int_candidates_this_run") }}
),

steps as (
    select
        candidate_id,
        entry_id,
        step
    from {{ ref("fct_entry_steps") }}
    where
        entered_at >= {{ earliest(ref("int_candidates_this_run"), "entered_at") }}
        and entry_id in (select entry_id from candidates)
),

written as (
    select
        steps.entry_id,
        steps.step,
        messages.was_sent,
        messages.was_delivered,
        messages.was_opened,
        messages.was_clicked,
        messages.was_replied
    from {{ ref("int_ledger_messages") }} as messages
    inner join steps on messages.candidate_id = steps.candidate_id
),

step_outcomes as (
    {% for outcome in ["sent", "delivered", "opened", "clicked", "replied"] %}
    select
        entry_id,
        '{{ outcome }}.' || step as operand
    from written
    where was_{{ outcome }} = 1
    union all
    {% endfor %}
    -- What a holdout alone kept back counts as sent, as it does for caps: else a step that waits for `sent` would
    -- never come for the held out, and both arms would be counted over different people.
    select
        steps.entry_id,
        'sent.' || steps.step as operand
    from {{ source("history", "fct_decisions") }} as decisions
    inner join steps on decisions.candidate_id = steps.candidate_id
    where
        decisions.is_holdout
        and decisions.is_exposed
        and decisions.decided_at < {{ as_of() }}
        and decisions.decided_at >= {{ earliest(ref("int_candidates_this_run"), "entered_at") }}
),

judged as (
    select
        candidates.candidate_id,
        conditions.kind || ': ' || conditions.operand as condition,
        (members.user_id is not null or outcomes.entry_id is not null) = (conditions.kind = 'only_if') as is_met
    from candidates
    inner join {{ source("policy", "step_conditions") }} as conditions
        on candidates.journey = conditions.journey and candidates.step = conditions.step
    left join {{ ref("int_segment_members") }} as members
        on candidates.person_id = members.user_id and conditions.operand = members.operand
    left join (select distinct entry_id, operand from step_outcomes) as outcomes
        on candidates.entry_id = outcomes.entry_id and conditions.operand = outcomes.operand
),

-- Which event of the entity a trigger names may change when a late one lands; that it holds is enough.
gone as (
    select
        candidates.candidate_id,
        'trigger' as condition
    from candidates
    where not exists (
        select 1 from {{ ref("int_trigger_rows") }} as selected
        where
            candidates.journey = selected.journey
            and candidates.person_id = selected.user_id
            and coalesce(candidates.entity_key, '') = selected.entity
    )
),

retired as (
    select
        candidates.candidate_id,
        'step retired' as condition
    from candidates
    left join {{ source("policy", "journey_steps") }} as journey_steps
        on candidates.journey = journey_steps.journey and candidates.step = journey_steps.step
    where journey_steps.step is null
),

not_open as (
    select
        candidates.candidate_id,
        'rollout' as condition
    from candidates
    inner join {{ ref("int_draws_this_run") }} as draws
        on candidates.journey = draws.journey and candidates.person_id = draws.person_id
    where draws.experiment = 'rollout' and draws.arm = 'closed'
),

unmet as (
    select
        candidate_id,
        condition
    from judged
    where not is_met
    union all
    select
        candidate_id,
        condition
    from gone
    union all
    select
        candidate_id,
        condition
    from retired
    union all
    select
        candidate_id,
        condition
    from not_open
)

select
    candidate_id,
    min(condition) as condition
from unmet
group by candidate_id
