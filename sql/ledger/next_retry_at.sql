select wake_at from messages
where state = 'retry_wait' and provider = :provider
order by wake_at
limit 1
