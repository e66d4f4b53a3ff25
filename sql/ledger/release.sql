-- A claim given back: no byte of it left.
update messages set
    state = 'planned', state_at = :now, wake_at = due_at, claim_token = null, reason = :reason
where message_no = :message_no and claim_token = :token and state = 'claimed'
