-- One that is put off until it expires is no retry any more.
select wake_at from messages
where
    state = 'retry_wait' and wake_at <= :until and provider = :provider
    and wake_at < expires_at and expires_at > :now
order by wake_at
limit 1
