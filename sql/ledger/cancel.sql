-- What may have been sent cannot be taken back; it is held, so that nobody sends it again.
update messages set
    state = case when state = 'unknown' or resend_until is not null then 'held' else 'cancelled' end,
    state_at = :now, reason = :reason, wake_at = null
where message_id = :message_id and state in ('planned', 'claimed', 'retry_wait', 'unknown')
returning state
