-- The most urgent messages of a provider and a class that nothing forbids, with their frozen bytes. Those to an
-- address suppressed, or refused by their person, since they were planned come along, with the reason, to be
-- moved out of the line. What another worker is claiming now is passed over.
select
    messages.message_no,
    messages.message_id,
    messages.channel,
    messages.journey,
    messages.address,
    messages.address_key,
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
    ) as suppression_reason,
    -- Where the provider wants time between two messages to one person: when the last one went, or moved since.
    case
        when cast(:pair_since as text) is not null then (
            select max(other.state_at)
            from messages as other indexed by messages_to_address
            where
                other.address_key = messages.address_key
                and other.provider = :provider
                and other.state_at > :pair_since
                and other.state not in ('planned', 'retry_wait', 'rejected', 'suppressed', 'expired', 'cancelled')
        )
    end as pair_moved_at,
    -- Where the provider said lately that its channel does not reach them: the call would say so again.
    case
        when cast(:unreachable_since as text) is not null then exists (
            select 1
            from messages as told indexed by messages_to_address
            where
                told.address_key = messages.address_key
                and told.provider = :provider
                and told.state in ('rejected', 'failed_late')
                and told.reason = 'unreachable_on_channel'
                and told.state_at > :unreachable_since
        )
    end as is_unreachable
from messages indexed by messages_to_claim
inner join requests on messages.message_no = requests.message_no
where
    messages.state = 'planned'
    and messages.provider = :provider
    and (messages.message_class = 'marketing') = :is_marketing
    and messages.due_at <= :now
    and messages.expires_at > :now
    and (messages.resend_until is null or messages.resend_until > :now)
    and not exists (select 1 from routes where routes.provider = :provider and routes.is_blocked = 1)
    and not exists (
        select 1 from route_pauses where route_pauses.provider = :provider and route_pauses.paused_until > :now
    )
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
order by messages.priority desc, messages.due_at
limit :limit
/* postgresql: for update of messages skip locked */
