-- The lease ended before the intent: no byte left.
update messages set
    state = 'planned', state_at = :now, wake_at = due_at, claim_token = null, reason = 'lease_expired'
where message_no in (select message_no from messages where state = 'claimed' and wake_at <= :now limit :limit)
