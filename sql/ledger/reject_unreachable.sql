-- No call: the provider said it of this address a short while ago. Where an attempt is open, its copy may be out there.
update messages set
    state = 'rejected', state_at = :now, wake_at = null, reason = 'known_unreachable',
    has_lost_attempt = case when resend_until is not null then 1 else has_lost_attempt end
where message_no = :message_no
