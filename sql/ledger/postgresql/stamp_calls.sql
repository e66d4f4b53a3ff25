-- Calls that were granted are made only now: the commits in between took their time.
update route_pace set made_at = array_replace(made_at, cast(:granted_at as timestamptz), clock_timestamp())
where provider = :provider
