-- Decided to send and unknown to the ledger's journal as copied at the start of this tick. Drawn from
-- what is missing, not from what this run added: a tick that died between deciding and planning heals
-- in the next. Planning what the ledger knows already changes nothing. A message that is a little too
-- late is planned all the same, so that the ledger says it expired; one without a route is not
-- looked at for ever.
select outbox.*
from decisions.fct_outbox as outbox
where
    outbox.expires_at > $as_of - interval 1 day
    and not exists (select 1 from raw.ledger_journal as journal where journal.message_id = outbox.message_id)
order by outbox.priority desc, outbox.due_at, outbox.message_id
