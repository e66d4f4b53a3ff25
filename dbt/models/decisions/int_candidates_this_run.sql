-- Every step that is due and not settled. A step is settled by a suppression or by a message in the
-- ledger that did not fail. A message that ended in a terminal negative makes the step due again, on
-- another channel; a `send` that never reached the ledger (a tick died in between) is judged afresh.

with latest_decisions as (
    select
        candidate_id,
        outcome,
        decided_at,
        message_id,
        row_number() over (partition by candidate_id order by decided_at desc, decision_number desc) as recency
    from {{ source("history", "fct_decisions") }}
),

settled as (
    select latest_decisions.candidate_id
    from latest_decisions
    left join {{ ref("int_ledger_messages") }} as messages on latest_decisions.message_id = messages.message_id
    where
        latest_decisions.recency = 1
        and (
            latest_decisions.outcome = 'suppress'
            -- Cancelled and expired messages are over; only a channel's own refusal asks for another.
            or messages.state not in ('rejected', 'suppressed', 'failed_late')
            -- Beyond what int_ledger_messages looks back.
            or latest_decisions.decided_at < {{ ago(days=59) }}
        )
)

select
    steps.*,
    coalesce(identity.user_id, steps.user_id) as person_id
from {{ ref("fct_entry_steps") }} as steps
left join {{ ref("int_identity_map") }} as identity on steps.user_id = identity.from_user_id
left join settled on steps.candidate_id = settled.candidate_id
where steps.due_at <= {{ as_of() }} and settled.candidate_id is null
