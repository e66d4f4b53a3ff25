-- Each route that ever had a message, and how many wait for it: to be sent, to be tried again or to be
-- looked into. One range of an index for each of these states.
select
    routes.provider,
    routes.channel,
    routes.is_blocked,
    routes.reason,
    routes.changed_at,
    (
        select count(*) from messages
        where messages.state = 'planned' and messages.provider = routes.provider
    ) + (
        select count(*) from messages
        where
            messages.state in ('retry_wait', 'unknown') and messages.wake_at > ''
            and messages.provider = routes.provider
    ) as backlog
from routes
order by routes.provider
