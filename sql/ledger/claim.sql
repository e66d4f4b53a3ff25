-- All at once: for each statement a file keeps the pages that it changes as they were, because its triggers write.
update messages set state = 'claimed', state_at = :now, wake_at = :lease_until, claim_token = :token, reason = null
where message_no in (select cast(value as bigint) from json_each(cast(:message_nos as text)))
