-- Where an earlier attempt is open, its copy may be out there.
update messages set
    state = 'suppressed', state_at = :now, wake_at = null, reason = :reason,
    has_lost_attempt = max(has_lost_attempt, resend_until is not null)
where message_no = :message_no
