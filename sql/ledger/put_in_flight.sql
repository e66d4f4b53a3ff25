-- All at once, as they were claimed.
update messages set state = 'in_flight', state_at = :now, attempts = attempts + 1
where
    message_no in (select cast(value as bigint) from json_each(cast(:message_nos as text)))
    and claim_token = :token and state = 'claimed'
