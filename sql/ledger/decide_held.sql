-- A person decided without knowing how the attempt ended, so it counts as lost.
update messages set
    state = :state, state_at = :now, reason = :reason, wake_at = :wake_at, claim_token = null,
    has_lost_attempt = 1, resend_until = null
where message_id = :message_id and state = 'held'
