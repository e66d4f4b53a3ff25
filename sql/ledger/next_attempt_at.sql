-- One seek in messages_waiting for each state that waits.
select min(wake_at)
from (
    select min(wake_at) as wake_at from messages where state = 'planned' and wake_at > :now
    union all
    select min(wake_at) from messages where state = 'claimed' and wake_at > :now
    union all
    select min(wake_at) from messages where state = 'in_flight' and wake_at > :now
    union all
    select min(wake_at) from messages where state = 'retry_wait' and wake_at > :now
    union all
    select min(wake_at) from messages where state = 'unknown' and wake_at > :now
    union all
    select min(paused_until) from route_pauses where paused_until > :now
) as waiting
