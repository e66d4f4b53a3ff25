update suppressions set is_active = 0, reason = :reason, changed_at = :now, message_no = null
where address_key = :address_key and scope = :scope and is_active = 1
