update messages set state = 'in_flight', state_at = :now, attempts = attempts + 1
where message_no = :message_no and claim_token = :token and state = 'claimed'
