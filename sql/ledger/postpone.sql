-- What may not go now waits, without an attempt burnt; the tick that looks again before then postpones it further
-- or lets it go. Only ever later: an attempt that is due after that keeps its time.
update messages set
    state = 'retry_wait', state_at = case state when 'planned' then :now else state_at end,
    wake_at = case when wake_at > :until then wake_at else :until end, reason = :reason
where message_id = :message_id and state in ('planned', 'retry_wait')
