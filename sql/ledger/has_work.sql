-- Anything a tick could do now. What a blocked or paused route, an open breaker or a switch keeps waiting is no work
-- until it expires, and so is what waits for a provider that no route uses any more (`:providers`, a JSON list, or null
-- for any). Every branch reads the head of an index, named where the planner would rather go through every planned row.
select
    exists (select 1 from messages where state = 'claimed' and wake_at <= :now)
    or exists (select 1 from messages where state = 'in_flight' and wake_at <= :now)
    or exists (
        select 1 from messages
        where
            state = 'unknown' and wake_at <= :now
            and (cast(:providers as text) is null or provider in (select value from json_each(cast(:providers as text))))
            and not exists (
                select 1 from route_breakers
                where route_breakers.provider = messages.provider and route_breakers.open_until > :now
                    and route_breakers.open_until <= :longest_break
            )
    )
    or exists (
        select 1 from messages indexed by messages_to_expire
        where state in ('planned', 'retry_wait') and expires_at <= :now
    )
    or exists (
        select 1 from messages indexed by messages_to_resend
        where state in ('planned', 'retry_wait') and resend_until is not null and resend_until <= :now
    )
    or exists (
        select 1
        from routes
        where
            routes.is_blocked = 0
            and not exists (
                select 1 from route_pauses
                where route_pauses.provider = routes.provider and route_pauses.paused_until > :now
            )
            and not exists (
                select 1 from route_breakers
                where route_breakers.provider = routes.provider and route_breakers.open_until > :now
                    and route_breakers.open_until <= :longest_break
            )
            and (cast(:providers as text) is null or routes.provider in (select value from json_each(cast(:providers as text))))
            and (
                -- to be taken back: a switch stops what is sent
                exists (
                    select 1
                    from revocations indexed by revocations_waiting
                    where
                        revocations.provider = routes.provider
                        and revocations.wake_at is not null and revocations.wake_at <= :now
                )
                or not exists (
                    select 1
                    from switches
                    where
                        switches.is_stopped = 1
                        and (switches.scope = 'all' or (switches.scope = 'route' and switches.name = routes.provider))
                )
                and (
                    exists (
                        select 1
                        from messages indexed by messages_to_claim
                        where
                            messages.state = 'planned' and messages.provider = routes.provider and messages.due_at <= :now
                            and messages.journey not in (
                                select switches.name from switches where switches.scope = 'journey' and switches.is_stopped = 1
                            )
                    )
                    or exists (
                        select 1
                        from messages
                        where
                            messages.state = 'retry_wait' and messages.wake_at <= :now
                            and messages.provider = routes.provider
                            and messages.journey not in (
                                select switches.name from switches where switches.scope = 'journey' and switches.is_stopped = 1
                            )
                    )
                )
            )
    )
