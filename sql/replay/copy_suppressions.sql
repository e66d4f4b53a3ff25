-- Who must not be written to is a fact of that time. What was sent then is not: the replay imagines its own.
create table landed.ledger_journal as
select * replace ({copied_at} as copied_at)
from source.raw.ledger_journal
where kind = 'suppression' and {copied_at} <= $until and copied_at <= $known_until
order by copied_at
