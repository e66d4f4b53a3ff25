update route_pauses set paused_until = :now
where provider = :provider and paused_until > :now
