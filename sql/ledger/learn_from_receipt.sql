-- Only where no answer brought it: of a provider that names our id alone, the attempt keeps it.
update messages set provider_message_id = :provider_message_id
where
    message_no = :message_no and provider_message_id is null
    and not exists (
        select 1 from attempts where attempts.message_no = messages.message_no and attempts.provider_message_id is not null
    )
