update route_breakers set openings = openings + 1, open_until = :until
where provider = :provider
