-- Every step that is due and not settled. A step is settled by a suppression or by a message in the
-- ledger that did not fail. A message that ended in a terminal negative makes the step due again, on
-- another channel, until a receipt proves it wrong: then the step is settled by what arrived, whatever was decided
-- meanwhile. A `send` that never reached the ledger (a tick died in between) is judged afresh.
-- What had expired when steps were last decided was settled then, but for steps that came since (an event may
-- land late) and for what was refused since.

{% set decided_until = decided_until() %}
{% set recorded_since = "recorded_at >= " ~ decided_until %}
{% set due_since = earliest(ref("fct_entry_steps"), "due_at", "expires_at >= " ~ decided_until) %}

with refused_since as (
    select distinct candidate_id
    from {{ source("raw", "ledger_journal") }}
    where
        kind = 'state'
        and to_state in ('rejected', 'suppressed', 'failed_late')
        and copied_at >= {{ decided_until }}
),

open_steps as (
    select * from {{ ref("fct_entry_steps") }}
    where due_at <= {{ as_of() }} and expires_at >= {{ decided_until }}
),

refused_late as (
    select candidate_id from refused_since
    where candidate_id not in (select candidate_id from open_steps)
),

steps as (
    select * from open_steps
    union all
    select * from {{ ref("fct_entry_steps") }}
    where
        due_at <= {{ as_of() }}
        and expires_at < {{ decided_until }}
        and entered_at >= {{ earliest(ref("fct_entries"), "entered_at", recorded_since) }}
        and entry_id in (select entry_id from {{ ref("fct_entries") }} where {{ recorded_since }})
    union all
    select * from {{ ref("fct_entry_steps") }}
    where
        due_at <= {{ as_of() }}
        and expires_at < {{ decided_until }}
        and candidate_id in (select candidate_id from refused_late)
        and entry_id not in (select entry_id from {{ ref("fct_entries") }} where {{ recorded_since }})
),

decisions as (
    select candidate_id, outcome, decided_at, decision_number, message_id
    from {{ source("history", "fct_decisions") }}
    where
        decided_at >= least({{ due_since }}, {{ decided_until }})
        and candidate_id in (select candidate_id from steps)
        and candidate_id not in (select candidate_id from refused_late)
    union all
    select candidate_id, outcome, decided_at, decision_number, message_id
    from {{ source("history", "fct_decisions") }}
    where candidate_id in (select candidate_id from refused_late)
),

latest_decisions as (
    select
        *,
        row_number() over (partition by candidate_id order by decided_at desc, decision_number desc) as recency
    from decisions
),

settled as (
    select latest_decisions.candidate_id
    from latest_decisions
    left join {{ ref("int_ledger_messages") }} as messages
        on
            latest_decisions.candidate_id = messages.candidate_id
            and (
                latest_decisions.message_id = messages.message_id
                or messages.state in ('accepted', 'sent', 'delivered', 'read')
            )
    where
        latest_decisions.recency = 1
        and (
            -- Decided once more at the same moment, whoever stood in another's way still does.
            (latest_decisions.outcome = 'suppress' and latest_decisions.decided_at < {{ as_of() }})
            -- Cancelled and expired messages are over; only a channel's own refusal asks for another.
            or messages.state not in ('rejected', 'suppressed', 'failed_late')
            -- Beyond what int_ledger_messages looks back.
            or latest_decisions.decided_at < {{ ago(days=59) }}
        )
)

select
    steps.*,
    coalesce(identity.user_id, steps.user_id) as person_id
from steps
left join {{ ref("int_identity_map") }} as identity on steps.user_id = identity.from_user_id
left join settled on steps.candidate_id = settled.candidate_id
where settled.candidate_id is null
