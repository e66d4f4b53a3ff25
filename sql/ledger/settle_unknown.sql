-- To stay unknown is to look again later. What was found out about one attempt says nothing about the next:
-- another worker may have settled it and sent it again since. `has_lost_attempt` stays for good: a candidate with
-- a copy that may be out there never gets another channel. While nobody can tell, `resend_until` stays too: an
-- answer about a later attempt that comes now must not make the earlier one certain.
update messages set
    state = :state,
    state_at = case :state when 'unknown' then state_at else :now end,
    reason = :reason,
    wake_at = :wake_at,
    resend_until = case when :state in ('unknown', 'held') then resend_until else :resend_until end,
    provider_message_id = coalesce(provider_message_id, :provider_message_id),
    has_lost_attempt = case when has_lost_attempt = 1 then 1 else :has_lost_attempt end
where message_no = :message_no and state = 'unknown' and state_at = :unknown_since
