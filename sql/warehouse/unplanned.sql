-- Decided to send and unknown to the ledger's journal as copied at the start of this tick. Drawn from
-- what is missing, not from what this run added: a tick that died between deciding and planning heals
-- in the next. Planning what the ledger knows already changes nothing. A message that is a little too
-- late is planned all the same, so that the ledger says it expired; one without a route is not
-- looked at for ever. Only while the send is the newest word on its step: judged again, it may have
-- become a no, or another channel.
with missing as (
    select *
    from decisions.fct_outbox as outbox
    where
        outbox.expires_at > $as_of - interval 1 day
        and not exists (select 1 from raw.ledger_journal as journal where journal.message_id = outbox.message_id)
),

newest as (
    select
        candidate_id,
        outcome,
        message_id,
        row_number() over (partition by candidate_id order by decision_number desc) as recency
    from decisions.fct_decisions
    where candidate_id in (select candidate_id from missing)
)

select missing.*
from missing
inner join newest on missing.message_id = newest.message_id and newest.recency = 1 and newest.outcome = 'send'
order by missing.priority desc, missing.due_at, missing.message_id
