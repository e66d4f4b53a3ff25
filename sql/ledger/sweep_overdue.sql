-- It was to be sent again under the same id and was not in time. The earlier attempt is still open.
update messages set state = 'unknown', state_at = :now, wake_at = :now, reason = 'not_resent_in_time'
where message_no in (
    with due as materialized (
        select message_no from messages indexed by messages_to_resend
        where state in ('planned', 'retry_wait') and resend_until is not null and resend_until <= :now
        limit :limit
        /* postgresql: for update skip locked */
    )

    select due.message_no from due
)
