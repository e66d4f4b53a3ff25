-- Rows of the ledger's journal on their way into raw.ledger_journal.
create or replace temp table journal_arrived as
select * exclude (copied_at) from raw.ledger_journal limit 0
