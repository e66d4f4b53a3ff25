update route_breakers set failures = 0, openings = 0, open_until = null, reason = ''
where provider = :provider and (failures > 0 or openings > 0)
