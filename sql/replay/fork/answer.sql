-- The messages decided at $as_of that were decided then on the record, too, get the answers they got.
insert into landed.ledger_journal
select answers.*
from landed.answers as answers
inner join landed.recorded as recorded on answers.message_id = recorded.message_id
inner join decisions.fct_decisions as decisions
    on answers.message_id = decisions.message_id and recorded.decided_at = decisions.decided_at
where decisions.outcome = 'send' and decisions.decided_at = $as_of
