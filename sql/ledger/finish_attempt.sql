update attempts set
    finished_at = :now, outcome = :outcome, reason = :reason, provider_message_id = :provider_message_id, raw = :raw
where attempt_id = :attempt_id and finished_at is null
