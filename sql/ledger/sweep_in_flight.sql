-- The lease ended after the intent: it may have been sent. The token stays, so that an answer that
-- is only late can still be written down.
update messages set state = 'unknown', state_at = :now, wake_at = :now, reason = 'lease_expired'
where message_no in (
    with due as materialized (
        select message_no from messages
        where state = 'in_flight' and wake_at <= :now
        limit :limit
        /* postgresql: for update skip locked */
    )

    select due.message_no from due
)
