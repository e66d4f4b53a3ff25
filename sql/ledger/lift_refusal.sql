update refusals set is_active = 0, reason = :reason, changed_at = :now
where user_id = :user_id and channel = :channel and message_class = :message_class and is_active = 1
