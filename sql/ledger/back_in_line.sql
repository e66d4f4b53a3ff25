-- The route was at fault, not the message: it waits until the route is free, and no attempt is burnt.
update messages set state = 'planned', state_at = :now, wake_at = due_at
where message_no = :message_no and state = 'route_blocked'
