-- The message that has been due longest of those that nothing but the turn keeps waiting, a provider each. One range
-- of an index, as long as what is in line.
select
    routes.provider,
    (
        select min(messages.due_at) from messages
        where messages.state = 'planned' and messages.provider = routes.provider and messages.expires_at > :now
    ) as due_at
from routes
where
    routes.is_blocked = 0
    and not exists (
        select 1 from switches
        where
            switches.is_stopped = 1
            and (switches.scope in ('all', 'journey') or (switches.scope = 'route' and switches.name = routes.provider))
    )
order by routes.provider
