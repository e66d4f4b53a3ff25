-- The next moment at which something may be owed although nothing lands. Too early costs a tick that
-- finds nothing to do; too late would keep somebody waiting.
select min(due_at) from (
    -- a later step of an entry
    select min(due_at) as due_at from decisions.fct_entry_steps where due_at > $as_of
    union all
    -- a step that waits for the end of quiet hours, a rival or a route: judged again at every look
    select cast($next_look as timestamp) from decisions.int_decisions_this_run where outcome = 'hold' having count(*) > 0
    union all
    -- an event that says it happens later than it landed
    select min(occurred_at) from raw.events where occurred_at > $as_of
    union all
    -- what a trigger waits for without a row to show, such as a cart going idle
    select cast($next_patrol as timestamp) from raw.events where landed_at >= $patrolled_since having count(*) > 0
)
