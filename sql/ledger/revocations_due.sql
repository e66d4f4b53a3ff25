-- What a provider is to be asked to take back now. A blocked or paused route and an open breaker keep it waiting, as
-- they do what is sent; a switch does not: who stops sending wants nothing back less than before.
select
    revocations.message_no,
    revocations.reason,
    revocations.attempts,
    messages.message_id,
    messages.address,
    messages.provider_message_id,
    messages.expires_at,
    messages.state in ('accepted', 'sent') and messages.expires_at > :now and messages.address <> '' as is_worth_it
from revocations
inner join messages on revocations.message_no = messages.message_no
where
    revocations.provider = :provider and revocations.wake_at is not null and revocations.wake_at <= :now
    and not exists (select 1 from routes where routes.provider = :provider and routes.is_blocked = 1)
    and not exists (
        select 1 from route_pauses where route_pauses.provider = :provider and route_pauses.paused_until > :now
    )
    and not exists (
        select 1 from route_breakers
        where
            route_breakers.provider = :provider
            and route_breakers.open_until > :now and route_breakers.open_until <= :longest_break
    )
order by revocations.wake_at
limit :limit
/* postgresql: for update of revocations skip locked */
