update route_days set calls = calls + :calls
where provider = :provider and sent_on = :today
