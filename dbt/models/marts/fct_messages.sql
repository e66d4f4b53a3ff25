{{ config(materialized="table", contract={"enforced": true}) }}

-- What became of each message: one row a message the ledger knows, from its journal.
-- What a machine did (a scanner that follows links, a proxy that loads images) is kept apart.

with journal as (
    select
        *,
        coalesce(is_machine, false) as was_machine,
        case when kind = 'state' then seq end as state_seq
    from {{ source("raw", "ledger_journal") }}
    where kind in ('state', 'engagement') and copied_at <= {{ as_of() }} and happened_at >= {{ kpis_since() }}
),

-- A message enters the ledger once, as planned; that row carries what never changes about it.
planned as (
    select * from journal
    where kind = 'state' and from_state is null
),

-- A receipt may overtake the one before it: whoever read a message got it, and it was sent.
progress as (
    select
        message_id,
        max_by(to_state, state_seq) as state,
        -- A null reason must not let an older one through.
        nullif(max_by(coalesce(reason, ''), state_seq), '') as reason,
        max(case when to_state in ('rejected', 'suppressed', 'failed_late') then happened_at end) as failed_at,
        min(case when to_state in ('accepted', 'sent', 'delivered', 'read', 'failed_late') then happened_at end)
            as accepted_at,
        min(case when to_state in ('sent', 'delivered', 'read') then happened_at end) as sent_at,
        min(case when to_state in ('delivered', 'read') then happened_at end) as delivered_at,
        min(case when to_state = 'read' then happened_at end) as read_at,
        min(case when to_state = 'opened' and not was_machine then happened_at end) as opened_at,
        min(case when to_state = 'clicked' and not was_machine then happened_at end) as clicked_at,
        min(case when to_state = 'opened' and was_machine then happened_at end) as machine_opened_at,
        min(case when to_state = 'clicked' and was_machine then happened_at end) as machine_clicked_at,
        min(case when to_state = 'replied' then happened_at end) as replied_at,
        max(case when to_state = 'bounced' then 1 else 0 end) as bounces,
        max(case when to_state = 'complained' then 1 else 0 end) as complaints,
        max(case when to_state = 'unsubscribed' then 1 else 0 end) as unsubscribes
    from journal
    group by message_id
)

select
    planned.message_id,
    planned.candidate_id,
    planned.decision_id,
    planned.journey,
    planned.journey_version,
    planned.step,
    planned.message_class,
    planned.channel,
    planned.variant,
    planned.user_id,
    planned.entity_key,
    planned.event_id,
    -- The ledger outlives the warehouse: what was decided before a rebuild is dated by its planning.
    coalesce(decisions.decided_at, planned.happened_at) as decided_at,
    planned.happened_at as planned_at,
    progress.accepted_at,
    progress.sent_at,
    progress.delivered_at,
    progress.read_at,
    case when progress.state in ('rejected', 'suppressed', 'failed_late') then progress.failed_at end as failed_at,
    progress.state,
    progress.reason,
    progress.opened_at,
    progress.clicked_at,
    progress.machine_opened_at,
    progress.machine_clicked_at,
    progress.replied_at,
    progress.bounces = 1 as is_bounced,
    progress.complaints = 1 as is_complained,
    progress.unsubscribes = 1 as is_unsubscribed
from planned
inner join progress on planned.message_id = progress.message_id
left join {{ ref("fct_decisions") }} as decisions on planned.decision_id = decisions.decision_id
