select exists (select 1 from messages where message_id = :message_id)
