-- Once for all of a person's messages, before these are emptied: receipts are not found by their message.
update receipts set raw = '', address_key = null
where message_no in (select message_no from messages where user_id = :user_id)
