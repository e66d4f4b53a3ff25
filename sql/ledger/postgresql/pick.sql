-- The most urgent messages of a provider that nothing forbids, with their frozen bytes. Those to an
-- address suppressed, or refused by their person, since they were planned come along, with the reason, to be moved out of the line.
-- What another worker is claiming now is passed over.
select
    messages.message_no,
    messages.message_id,
    messages.channel,
    messages.journey,
    messages.address,
    messages.attempts,
    messages.expires_at,
    requests.method,
    requests.path,
    requests.headers,
    requests.body,
    coalesce(
        (
            select suppressions.reason
            from suppressions
            where
                suppressions.address_key = messages.address_key
                and suppressions.is_active = 1
                and (suppressions.scope = 'all' or messages.message_class = 'marketing')
            order by suppressions.scope
            limit 1
        ),
        (
            select refusals.reason
            from refusals
            where
                refusals.user_id = messages.user_id
                and refusals.channel = messages.channel
                and refusals.message_class = messages.message_class
                and refusals.is_active = 1
                and messages.planned_at <= refusals.holds_until
        )
    ) as suppression_reason
from messages
inner join requests on messages.message_no = requests.message_no
where
    messages.state = 'planned'
    and messages.provider = :provider
    and messages.due_at <= :now
    and messages.expires_at > :now
    and (messages.resend_until is null or messages.resend_until > :now)
    and not exists (select 1 from routes where routes.provider = :provider and routes.is_blocked = 1)
    and not exists (
        select 1
        from switches
        where
            switches.is_stopped = 1
            and (
                switches.scope = 'all'
                or (switches.scope = 'route' and switches.name = :provider)
                or (switches.scope = 'journey' and switches.name = messages.journey)
            )
    )
order by (messages.message_class = 'marketing'), messages.priority desc, messages.due_at
limit :limit
for update of messages skip locked
