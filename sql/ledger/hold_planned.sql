-- Decided before the ledger was restored: it may have been sent by the ledger that is lost.
update messages set state = 'held', state_at = :now, reason = 'restored', wake_at = null
where message_id = :message_id and state = 'planned'
