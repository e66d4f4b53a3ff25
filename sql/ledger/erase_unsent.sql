-- One move towards `cancelled`, of a message that stands in :from_state. A copy of what may have been sent may be
-- out there: its candidate never gets another channel.
update messages set
    state = :to_state, state_at = :now, reason = 'erased',
    wake_at = case when :to_state in ('planned', 'unknown') then :now end,
    claim_token = null,
    has_lost_attempt = case
        when :from_state in ('in_flight', 'unknown', 'held') or resend_until is not null then 1
        else has_lost_attempt
    end
where message_no = :message_no and state = :from_state
