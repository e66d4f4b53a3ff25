update routes set is_blocked = 0, reason = :reason, changed_at = :now
where provider = :provider and is_blocked = 1
