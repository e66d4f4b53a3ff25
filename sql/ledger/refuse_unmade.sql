-- No request could be made of it: on record, with the reason, and open to another channel.
update messages set state = 'rejected', state_at = :now, reason = :reason, wake_at = null
where message_no = :message_no
