select
    messages.message_no,
    messages.message_id,
    messages.address,
    messages.attempts,
    messages.provider_message_id,
    messages.on_unknown,
    messages.state_at as unknown_since,
    messages.expires_at,
    (select min(attempts.started_at) from attempts where attempts.message_no = messages.message_no) as first_sent_at
from messages
where
    messages.state = 'unknown' and messages.wake_at <= :now and messages.provider = :provider
    and not exists (
        select 1 from route_breakers
        where
            route_breakers.provider = :provider
            and route_breakers.open_until > :now and route_breakers.open_until <= :longest_break
    )
order by messages.wake_at
limit :limit
