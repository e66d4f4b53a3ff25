-- Receipts that came before their message was known by this id, in the order they came.
with message as (
    select message_no, message_id, provider, provider_message_id from messages
    where message_id = :message_id
),

waiting as (
    select receipts.receipt_no
    from message
    inner join receipts on message.message_id = receipts.message_id
    where receipts.message_no is null
    union
    select receipts.receipt_no
    from message
    inner join receipts
        on message.provider_message_id = receipts.provider_message_id and message.provider = receipts.provider
    where receipts.message_no is null
)

select
    receipt_no,
    kind,
    occurred_at,
    address_key,
    reason,
    is_machine,
    (select message.message_no from message) as message_no
from receipts
where receipt_no in (select waiting.receipt_no from waiting)
order by receipt_no
