-- A person decided without knowing how the attempt ended, so it counts as lost. What has no bytes any more cannot
-- be sent.
update messages set
    state = :state, state_at = :now, reason = :reason, wake_at = :wake_at, claim_token = null,
    has_lost_attempt = 1, resend_until = null
where
    message_id = :message_id and state = 'held'
    and (:state <> 'retry_wait' or exists (select 1 from requests where requests.message_no = messages.message_no))
