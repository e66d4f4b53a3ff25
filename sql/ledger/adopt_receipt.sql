update receipts set message_no = :message_no
where receipt_no = :receipt_no
