-- What became of the messages that the replay decides again. It is what becomes of them there, too, where they go
-- out at the same tick.
create table landed.answers as
select journal.*
from source.raw.ledger_journal as journal
inner join landed.recorded as recorded on journal.message_id = recorded.message_id
where journal.copied_at <= $until and journal.kind not in ('route', 'suppression')
