-- One seek in messages_waiting for each state that waits; what an open breaker keeps waiting is passed over, until
-- the breaker's own time.
select min(wake_at)
from (
    select min(wake_at) as wake_at from messages
    where
        state = 'planned' and wake_at > :now
        and not exists (
            select 1 from route_breakers
            where
                route_breakers.provider = messages.provider
                and route_breakers.open_until > messages.wake_at and route_breakers.open_until <= :longest_break
        )
    union all
    select min(wake_at) from messages where state = 'claimed' and wake_at > :now
    union all
    select min(wake_at) from messages where state = 'in_flight' and wake_at > :now
    union all
    select min(wake_at) from messages
    where
        state = 'retry_wait' and wake_at > :now
        and not exists (
            select 1 from route_breakers
            where
                route_breakers.provider = messages.provider
                and route_breakers.open_until > messages.wake_at and route_breakers.open_until <= :longest_break
        )
    union all
    select min(wake_at) from messages
    where
        state = 'unknown' and wake_at > :now
        and not exists (
            select 1 from route_breakers
            where
                route_breakers.provider = messages.provider
                and route_breakers.open_until > messages.wake_at and route_breakers.open_until <= :longest_break
        )
    union all
    select min(wake_at) from revocations
    where
        wake_at is not null and wake_at > :now
        and not exists (
            select 1 from route_breakers
            where
                route_breakers.provider = revocations.provider
                and route_breakers.open_until > revocations.wake_at and route_breakers.open_until <= :longest_break
        )
    union all
    select min(paused_until) from route_pauses where paused_until > :now
    union all
    select min(open_until) from route_breakers where open_until > :now and open_until <= :longest_break
) as waiting
