-- What the ledger knows of each message: where it stands and what the person did with it.
-- Older than 60 days no cap counts it and no step waits for it.

with reached as (
    select
        message_id,
        -- The journal is numbered in the order things happened to a message.
        max(case when kind = 'state' then seq end) as newest_seq,
        min(case when kind = 'state' then happened_at end) as planned_at,
        max(case when kind = 'state' then address_key end) as address_key,
        max(case when to_state in ('accepted', 'sent', 'delivered', 'read') then 1 else 0 end) as was_sent,
        max(case when to_state in ('delivered', 'read') then 1 else 0 end) as was_delivered,
        max(case when to_state in ('read', 'opened') and not coalesce(is_machine, false) then 1 else 0 end)
            as was_opened,
        max(case when to_state = 'clicked' and not coalesce(is_machine, false) then 1 else 0 end) as was_clicked,
        max(case when to_state = 'replied' then 1 else 0 end) as was_replied,
        max(case when to_state in ('unknown', 'held') then 1 else 0 end) as was_unknown
    from {{ source("raw", "ledger_journal") }}
    where message_id is not null and happened_at >= {{ ago(days=60) }}
    group by message_id
)

select
    newest.message_id,
    newest.candidate_id,
    newest.user_id,
    newest.entity_key,
    newest.event_id,
    newest.journey,
    newest.step,
    newest.message_class,
    newest.channel,
    newest.to_state as state,
    newest.reason,
    reached.planned_at,
    reached.address_key,
    reached.was_sent,
    reached.was_delivered,
    reached.was_opened,
    reached.was_clicked,
    reached.was_replied,
    -- A permanent failure ends a message; whatever was or may have been sent does not give its slot back.
    newest.to_state in ('rejected', 'suppressed', 'failed_late')
    or (newest.to_state in ('expired', 'cancelled') and reached.was_unknown = 0) as is_failed
from {{ source("raw", "ledger_journal") }} as newest
inner join reached on newest.seq = reached.newest_seq
where newest.happened_at >= {{ ago(days=60) }}
