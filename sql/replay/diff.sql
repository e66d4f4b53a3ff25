-- Where two replays of the same history come to another verdict on a step: each step's last word on either side.
with before as (
    select * from (
        select *, row_number() over (partition by candidate_id order by decision_number desc) as recency
        from base.decisions.fct_decisions
        where decided_at between $first and $last
    )
    where recency = 1
),

after as (
    select * from (
        select *, row_number() over (partition by candidate_id order by decision_number desc) as recency
        from decisions.fct_decisions
        where decided_at between $first and $last
    )
    where recency = 1
),

both_sides as (
    select
        coalesce(after.journey, before.journey) as journey,
        coalesce(after.step, before.step) as step,
        coalesce(after.user_id, before.user_id) as user_id,
        coalesce(after.entity_key, before.entity_key) as entity_key,
        coalesce(after.event_id, before.event_id) as event_id,
        coalesce(before.outcome, 'none') as outcome_before,
        coalesce(after.outcome, 'none') as outcome_after,
        coalesce(before.reason, 'not entered') as reason_before,
        coalesce(after.reason, 'not entered') as reason_after,
        before.channel as channel_before,
        after.channel as channel_after,
        before.template as template_before,
        after.template as template_after,
        before.decided_at as decided_before,
        after.decided_at as decided_after
    from before
    full outer join after on before.candidate_id = after.candidate_id
),

judged as (
    select
        *,
        case
            when outcome_after = 'send' and outcome_before <> 'send' then 'gains'
            when outcome_before = 'send' and outcome_after <> 'send' then 'loses'
            when outcome_before = 'send' and channel_before <> channel_after then 'other channel'
            when outcome_before = 'send' and template_before <> template_after then 'other template'
            when outcome_before = 'send' and decided_before <> decided_after then 'other time'
            when outcome_before <> 'send' and reason_before <> reason_after then 'other reason'
        end as change
    from both_sides
)

select * from judged
where change is not null
order by journey, step, change, user_id, event_id
