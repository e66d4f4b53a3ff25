-- Another priority, also for the steps that are under way, which keep the one of their entry.
update policy.journeys set priority = cast($value as bigint)
where journey = $name;

update decisions.fct_entry_steps set priority = cast($value as bigint)
where journey = $name
