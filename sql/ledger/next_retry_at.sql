-- One that is put off until it expires is no retry any more.
select wake_at from messages
where state = 'retry_wait' and provider = :provider and wake_at > :now and wake_at < expires_at
order by wake_at
limit 1
