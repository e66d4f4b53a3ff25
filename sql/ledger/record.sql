-- All that ended alike. Only while the claim is still ours. A sweep may have called it unknown, and a person may hold
-- it, since; a receipt may have moved it further than this answer knows: then nothing moves here.
-- A no to the second try is none to the first: while that one is open, its copy may be out there.
update messages set
    state = :state, state_at = :now, reason = :reason, wake_at = :wake_at, claim_token = null,
    attempts = attempts - :unburnt,
    has_lost_attempt = case
        when :state in ('rejected', 'suppressed') and resend_until is not null then 1 else has_lost_attempt
    end
where
    message_no in (select cast(value as bigint) from json_each(cast(:message_nos as text)))
    and claim_token = :token and state in ('in_flight', 'unknown', 'held')
    and (
        state = :state
        or exists (
            select 1 from allowed_moves
            where allowed_moves.from_state = messages.state and allowed_moves.to_state = :state
        )
    )
