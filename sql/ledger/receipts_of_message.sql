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
where message_no = :message_no
order by receipt_no
