-- The provider's id is a fact, whoever holds the claim.
update messages set provider_message_id = :provider_message_id
where message_no = :message_no and provider_message_id is null
