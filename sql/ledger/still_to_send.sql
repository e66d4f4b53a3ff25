-- Which claims may still become calls. Not where the lease would end before the call, or where the message was
-- cancelled, suppressed, refused or stopped since it was claimed: opt-outs take effect before the next send. The
-- rows are locked until they are in flight: a sweep with a faster clock cannot take them in between.
select message_no
from messages
where
    message_no in (select cast(value as bigint) from json_each(cast(:message_nos as text)))
    and claim_token = :token and state = 'claimed'
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
order by message_no
/* postgresql: for update of messages */
