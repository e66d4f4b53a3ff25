-- The intent. Refused when the lease would end before the call, or when the message was cancelled,
-- suppressed, refused or stopped since it was claimed: opt-outs take effect before the next send. The row is
-- locked until it is in flight: a sweep with a faster clock cannot take it in between.
insert into attempts (message_no, claim_token, body_sha256, started_at)
select
    message_no,
    :token,
    :body_sha256,
    :now
from messages
where
    message_no = :message_no and claim_token = :token and state = 'claimed'
    and wake_at >= :call_ends_at and expires_at > :now
    and (resend_until is null or resend_until > :now)
    and not exists (
        select 1
        from suppressions
        where
            suppressions.address_key = messages.address_key
            and suppressions.is_active = 1
            and (suppressions.scope = 'all' or messages.message_class = 'marketing')
    )
    and not exists (
        select 1
        from refusals
        where
            refusals.user_id = messages.user_id
            and refusals.channel = messages.channel
            and refusals.message_class = messages.message_class
            and refusals.is_active = 1
            and messages.planned_at <= refusals.holds_until
    )
    and not exists (
        select 1
        from switches
        where
            switches.is_stopped = 1
            and (
                switches.scope = 'all'
                or (switches.scope = 'route' and switches.name = messages.provider)
                or (switches.scope = 'journey' and switches.name = messages.journey)
            )
    )
/* postgresql: for update of messages */
returning attempt_id
