-- What was delivered meanwhile stays delivered.
update messages set state = 'cancelled', state_at = :now, reason = :reason, wake_at = null
where message_no = :message_no and state in ('accepted', 'sent')
