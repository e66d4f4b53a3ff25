-- What comes about an erased person's message moves it and is not kept.
update receipts set raw = '', address_key = null
where
    receipt_no = :receipt_no
    and exists (select 1 from messages where message_no = :message_no and user_id like 'erased:%')
returning receipt_no
