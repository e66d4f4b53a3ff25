-- The next moment at which something may be owed although nothing lands. Too early costs a tick that
-- finds nothing to do; too late would keep somebody waiting.
select min(due_at) from (
    -- a later step of an entry
    select min(due_at) as due_at from decisions.fct_entry_steps where due_at > $as_of
    union all
    -- a campaign
    select min(next_run_at) from policy.journeys where next_run_at > $as_of
    union all
    -- a step that waits for the end of quiet hours, a rival or a route: judged again at every look
    select cast($next_look as timestamp) from decisions.int_decisions_this_run where outcome = 'hold' having count(*) > 0
    union all
    -- what no table shows yet: a trigger that waits for silence, such as a cart gone idle, while there was
    -- life lately; an event of a file that holds tomorrow
    select cast($next_patrol as timestamp) from raw.manifest
    where landed_at >= $patrolled_since or newest_occurred_at > $as_of
    having count(*) > 0
    union all
    -- a day that an event named, such as a booking's: triggers tell of it up to a month before, however
    -- silent it is until then
    select cast($next_round as timestamp) from triggers.int_dated_events
    where dated_at > $as_of and dated_at <= $as_of + interval 32 day
    having count(*) > 0
)
