select state from messages
where message_no = :message_no
