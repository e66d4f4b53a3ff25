-- Each route that ever had a message, and how many wait for it: to be sent, to be tried again or to be
-- looked into. One range of an index for each of these states.
select
    routes.provider,
    routes.channel,
    routes.is_blocked,
    routes.reason,
    routes.changed_at,
    route_breakers.open_until,
    route_breakers.failures,
    route_breakers.first_failed_at,
    route_breakers.reason as failing_because,
    route_pauses.paused_until,
    (
        select count(*) from messages indexed by messages_to_claim
        where messages.state = 'planned' and messages.provider = routes.provider
    ) + (
        select count(*) from messages
        where
            messages.state in ('retry_wait', 'unknown') and messages.wake_at > ''
            and messages.provider = routes.provider
    ) as backlog
from routes
left join route_breakers on routes.provider = route_breakers.provider and route_breakers.openings > 0
left join route_pauses on routes.provider = route_pauses.provider
order by routes.provider
