-- Ended in a certain no: the states after which dbt (int_candidates_this_run) judges the step again, on another
-- channel. Reads only what no tick has copied yet: `seq` is the key.
select count(*)
from journal
where seq > :seq and kind = 'state' and to_state in ('rejected', 'suppressed', 'failed_late')
