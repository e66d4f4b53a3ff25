-- Where this journey and others got in each other's way: a step that another message of the same minute
-- outranked, and one that a cap stopped, with the journey of the message that filled the cap last.
with met as (
    select
        decisions.candidate_id,
        decisions.journey,
        decisions.reason,
        case decisions.reason when 'capped' then decisions.blocking_id end as cap_id,
        coalesce(rivals.journey, fillers.journey) as other_journey
    from decisions.fct_decisions as decisions
    left join (select distinct message_id, journey from decisions.fct_decisions) as rivals
        on decisions.reason = 'outranked' and decisions.blocking_id = rivals.message_id
    left join lateral (
        select sent.journey
        from decisions.fct_decisions as sent
        where
            decisions.reason = 'capped'
            and sent.user_id = decisions.user_id
            and sent.message_class = decisions.message_class
            and sent.outcome = 'send'
            and sent.decided_at < decisions.decided_at
        order by sent.decided_at desc
        limit 1
    ) as fillers on true
    where decisions.reason in ('outranked', 'capped') and decisions.decided_at between $first and $last
)

select
    case when journey = $journey then 'gave way' else 'went first' end as part,
    case when journey = $journey then other_journey else journey end as other_journey,
    reason,
    cap_id,
    count(distinct candidate_id) as steps
from met
where $journey in (journey, other_journey)
group by all
order by part, steps desc, other_journey, cap_id
