-- The columns of raw.ledger_journal, in its order, without copied_at.
select
    journal.seq,
    journal.happened_at,
    journal.kind,
    messages.message_id,
    journal.from_state,
    journal.to_state,
    journal.is_machine,
    messages.candidate_id,
    messages.decision_id,
    messages.journey,
    messages.journey_version,
    messages.step,
    messages.message_class,
    coalesce(journal.channel, messages.channel) as channel,
    coalesce(journal.provider, messages.provider) as provider,
    messages.user_id,
    messages.entity_key,
    messages.event_id,
    messages.variant,
    -- Where a message goes is told once, when it is planned: people who share an inbox share its caps.
    case when journal.kind = 'state' and journal.from_state is null then messages.address_key else journal.address_key end
        as address_key,
    journal.scope,
    journal.reason
from journal
left join messages on journal.message_no = messages.message_no
where journal.seq > :seq and journal.seq <= :until
order by journal.seq
limit :limit
