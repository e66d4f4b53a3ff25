-- What the ledger would have written of the messages decided at $as_of: planned, accepted and delivered a few
-- seconds later, as a real tick's are. Not of those whose real answer is known and lands in its time.
insert into raw.ledger_journal (
    seq, happened_at, kind, message_id, from_state, to_state, candidate_id, decision_id, journey, journey_version,
    step, message_class, channel, user_id, entity_key, event_id, variant, copied_at
)
select
    $seq + row_number() over (order by decisions.message_id, moves.turn) as seq,
    $as_of + to_seconds($send_seconds) as happened_at,
    'state' as kind,
    decisions.message_id,
    moves.from_state,
    moves.to_state,
    decisions.candidate_id,
    decisions.decision_id,
    decisions.journey,
    decisions.journey_version,
    decisions.step,
    decisions.message_class,
    decisions.channel,
    decisions.user_id,
    decisions.entity_key,
    decisions.event_id,
    decisions.variant,
    $as_of as copied_at
from decisions.fct_decisions as decisions
cross join (
    values (1, null, 'planned'), (2, 'planned', 'accepted'), (3, 'accepted', 'delivered')
) as moves (turn, from_state, to_state)
where
    decisions.outcome = 'send'
    and decisions.decided_at = $as_of
    and decisions.message_id not in (
        select message_id from landed.ledger_journal
        where kind = 'state' and message_id is not null
    )
