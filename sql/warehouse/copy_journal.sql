-- What arrived of the ledger's journal and is not here yet; a page may overlap with what a killed tick
-- copied. DuckDB answers an insert with the number of its rows.
insert into raw.ledger_journal
select
    arrived.*,
    cast(? as timestamp) as copied_at
from journal_arrived as arrived
where not exists (select 1 from raw.ledger_journal as known where known.seq = arrived.seq)
