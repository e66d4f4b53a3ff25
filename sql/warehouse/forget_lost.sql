-- The restored ledger has told it anew, under numbers of its own.
delete from raw.ledger_journal
where seq > $last_seq and seq < $first_seq
