-- The route of a channel was free.
delete from landed.ledger_journal
where kind = 'route' and channel = $name
