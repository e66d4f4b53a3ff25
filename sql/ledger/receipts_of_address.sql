-- What came about an address and belongs to no message that is known here.
select
    provider,
    event_key,
    kind,
    occurred_at,
    received_at,
    provider_message_id,
    address_key,
    reason,
    is_machine,
    raw
from receipts
where message_no is null and address_key = :address_key
order by receipt_no
