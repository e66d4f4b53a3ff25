-- One move of a message towards `held`. The claim's token stays, for an answer that may still come.
update messages set
    state = :to_state, state_at = :now, reason = 'restored',
    wake_at = case when :to_state in ('planned', 'unknown') then :now end
where message_no = :message_no and state = :from_state
