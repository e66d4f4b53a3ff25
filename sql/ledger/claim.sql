update messages set state = 'claimed', state_at = :now, wake_at = :lease_until, claim_token = :token, reason = null
where message_no = :message_no
