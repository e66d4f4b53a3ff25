-- Retries whose time has come go back in line, with the rank they had. Two workers never wait for each other here.
update messages set state = 'planned', state_at = :now, wake_at = due_at, reason = null
where message_no in (
    with due as materialized (
        select message_no from messages
        where state = 'retry_wait' and wake_at <= :now and expires_at > :now
        /* postgresql: for update skip locked */
    )

    select due.message_no from due
)
