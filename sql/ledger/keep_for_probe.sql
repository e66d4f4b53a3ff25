update route_breakers set open_until = :until
where provider = :provider
