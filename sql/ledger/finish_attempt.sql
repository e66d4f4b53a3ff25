-- What an erased person's provider says is not kept: it may repeat the address.
update attempts set
    finished_at = :now, outcome = :outcome, reason = :reason, provider_message_id = :provider_message_id,
    raw = case
        when exists (
            select 1 from messages
            where messages.message_no = attempts.message_no and messages.user_id like 'erased:%'
        ) then null
        else :raw
    end
where message_no = :message_no and claim_token = :token and finished_at is null
