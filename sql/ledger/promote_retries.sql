-- Retries whose time has come go back in line, with the rank they had.
update messages set state = 'planned', state_at = :now, wake_at = due_at, reason = null
where state = 'retry_wait' and wake_at <= :now and expires_at > :now
