-- Nothing of the message says any more who it was for. What it was (journey, step, channel, provider, times) stays:
-- it counts, and the ledger still knows that it was, or may have been, sent.
update messages set
    user_id = :user_id, entity_key = :entity_key, event_id = :event_id, address = '', address_key = ''
where message_no = :message_no
