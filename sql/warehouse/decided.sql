-- What this tick decided, by outcome and reason. A step that still waits for the same reason is not
-- decided again (see decisions.fct_decisions).
select
    outcome,
    reason,
    count(*) as decisions
from decisions.fct_decisions
where decided_at = $as_of
group by outcome, reason
order by decisions desc, outcome, reason
