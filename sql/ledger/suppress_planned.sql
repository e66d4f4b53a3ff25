-- Where an earlier attempt is open, its copy may be out there.
update messages set
    state = 'suppressed', state_at = :now, wake_at = null, reason = :reason,
    has_lost_attempt = case when resend_until is not null then 1 else has_lost_attempt end
where message_no = :message_no
