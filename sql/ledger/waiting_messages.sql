-- Whatever is not over: after a backup was restored nobody knows what became of it since.
select
    message_no,
    state
from messages
where wake_at is not null and state in ('planned', 'claimed', 'in_flight', 'retry_wait', 'unknown')
