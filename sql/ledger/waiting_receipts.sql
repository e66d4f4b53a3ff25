-- Receipts that came before their message was known by this id, in the order they came.
select
    receipts.receipt_no,
    receipts.kind,
    receipts.occurred_at,
    receipts.address_key,
    receipts.reason,
    receipts.is_machine,
    messages.message_no
from messages
inner join receipts
    on
        receipts.message_id = messages.message_id
        or (receipts.provider_message_id = messages.provider_message_id and receipts.provider = messages.provider)
where messages.message_id = :message_id and receipts.message_no is null
order by receipts.receipt_no
