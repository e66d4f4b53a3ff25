select message_no from messages
where message_id = :message_id
