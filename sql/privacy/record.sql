-- What the record needs to know before anything of it is touched. `goals`: events that a journey counts as its goal
-- and that are kept nowhere else.
create or replace temp table settled as
select distinct candidate_id from decisions.fct_decisions
where outcome <> 'hold' and user_id in (select given_id from ids);

create or replace temp table goals as
select distinct goal_event from policy.journeys
where
    goal_event is not null
    and goal_event not in (select event_name from people.int_kept_events)
