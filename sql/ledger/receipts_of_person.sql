select
    messages.message_id,
    receipts.provider,
    receipts.event_key,
    receipts.kind,
    receipts.occurred_at,
    receipts.received_at,
    receipts.provider_message_id,
    receipts.address_key,
    receipts.reason,
    receipts.is_machine,
    receipts.raw
from messages
inner join receipts on messages.message_no = receipts.message_no
where messages.user_id = :user_id
order by receipts.receipt_no
