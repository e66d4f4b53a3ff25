-- How far the entries since $since came, by journey. Sent: the ledger took a message for it; converted:
-- credited to a message that reached the person, clicked or not; null where the journey has no goal.
with messages as (
    select
        steps.entry_id,
        max(case when messages.delivered_at is not null then 1 else 0 end) as delivered,
        max(case when messages.delivered_at is not null and messages.clicked_at is not null then 1 else 0 end) as clicked,
        max(case when conversions.message_id is not null then 1 else 0 end) as converted
    from marts.fct_messages as messages
    inner join decisions.fct_entry_steps as steps on messages.candidate_id = steps.candidate_id
    left join marts.fct_conversions as conversions
        on messages.message_id = conversions.message_id and conversions.is_first
    where messages.decided_at >= $since
    group by steps.entry_id
)

select
    entries.journey,
    count(*) as entered,
    count(messages.entry_id) as sent,
    coalesce(sum(messages.delivered), 0) as delivered,
    coalesce(sum(messages.clicked), 0) as clicked,
    case when count(journeys.goal_event) > 0 then coalesce(sum(messages.converted), 0) end as converted
from decisions.fct_entries as entries
left join messages on entries.entry_id = messages.entry_id
left join policy.journeys as journeys on entries.journey = journeys.journey
where entries.status = 'entered' and entries.entered_at >= $since
group by entries.journey
order by entered desc, entries.journey
