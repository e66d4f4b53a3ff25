update messages set state = 'suppressed', state_at = :now, wake_at = null, reason = :reason
where message_no = :message_no
