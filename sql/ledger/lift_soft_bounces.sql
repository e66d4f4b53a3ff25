-- It is reached again after all.
update suppressions set is_active = 0, reason = 'delivered', changed_at = :now, message_no = null
where
    address_key = (select messages.address_key from messages where messages.message_no = :message_no)
    and scope = 'marketing' and reason = 'soft_bounces' and is_active = 1
