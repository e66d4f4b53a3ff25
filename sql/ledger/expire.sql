-- Too late is not sent. One with an open attempt may have been sent: sweep_overdue takes it.
update messages set state = 'expired', state_at = :now, wake_at = null, reason = coalesce(reason, 'expired')
where message_no in (
    with due as materialized (
        select message_no from messages indexed by messages_to_expire
        where state in ('planned', 'retry_wait') and expires_at <= :now and resend_until is null
        limit :limit
        /* postgresql: for update skip locked */
    )

    select due.message_no from due
)
