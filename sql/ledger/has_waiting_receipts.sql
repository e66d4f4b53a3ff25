select exists (select 1 from receipts where message_no is null and message_id is not null)
or exists (select 1 from receipts where message_no is null and provider_message_id is not null)
