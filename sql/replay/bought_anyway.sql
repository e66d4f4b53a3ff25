-- Who reached the goal while they still waited for a step: between entry and the moment it fell due. They
-- would have without the message; what it may claim begins after them.
select
    steps.step,
    count(*) as waits,
    count(distinct steps.user_id) as people,
    count(*) filter (where goals.occurred_at is not null) as reached_the_goal,
    min(journeys.goal_event) as goal_event
from decisions.fct_entry_steps as steps
inner join decisions.fct_entries as entries on steps.entry_id = entries.entry_id
inner join policy.journeys as journeys on steps.journey = journeys.journey
left join people.int_identity_map as identity on steps.user_id = identity.from_user_id
left join lateral (
    select min(events.occurred_at) as occurred_at
    from people.fct_events as events
    where
        events.user_id = coalesce(identity.user_id, steps.user_id)
        and events.event_name = journeys.goal_event
        and events.event_id <> steps.event_id
        and events.occurred_at >= steps.entered_at
        and events.occurred_at < steps.due_at
) as goals on true
where
    steps.journey = $journey
    and entries.recorded_at between $first and $last
    and journeys.goal_event is not null
group by steps.step_number, steps.step
order by steps.step_number
