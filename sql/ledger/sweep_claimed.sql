-- The lease ended before the intent: no byte left. What somebody has locked is not dead.
update messages set
    state = 'planned', state_at = :now, wake_at = due_at, claim_token = null, reason = 'lease_expired'
where message_no in (
    with due as materialized (
        select message_no from messages
        where state = 'claimed' and wake_at <= :now
        limit :limit
        /* postgresql: for update skip locked */
    )

    select due.message_no from due
)
