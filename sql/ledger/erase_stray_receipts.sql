-- What came about the address and belongs to no message that is known here.
update receipts set raw = '', address_key = null
where message_no is null and address_key = :address_key
