-- Messages planned in the lost time, as they were decided; their bytes are lost.
select
    outbox.message_id,
    outbox.candidate_id,
    outbox.decision_id,
    outbox.journey,
    outbox.journey_version,
    outbox.step,
    outbox.message_class,
    outbox.channel,
    lost.provider,
    outbox.user_id,
    outbox.entity_key,
    outbox.event_id,
    outbox.variant,
    outbox.priority,
    outbox.address,
    lost.address_key,
    outbox.on_unknown,
    outbox.due_at,
    outbox.expires_at,
    lost.happened_at as planned_at
from raw.ledger_journal as lost
inner join decisions.fct_outbox as outbox on lost.message_id = outbox.message_id
where
    lost.kind = 'state' and lost.from_state is null
    and lost.seq > $last_seq and lost.seq < $first_seq
order by lost.seq
