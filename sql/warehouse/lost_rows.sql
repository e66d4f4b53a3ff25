-- What an earlier journal told that the restored ledger does not know, in its order.
select
    seq,
    happened_at,
    kind,
    message_id,
    to_state,
    is_machine,
    channel,
    provider,
    address_key,
    scope,
    reason
from raw.ledger_journal
where seq > $last_seq and seq < $first_seq
order by seq
