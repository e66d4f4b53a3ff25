-- The messages that the ticks from $first on decided to send them, and when: these the replay decides again.
create table landed.recorded as
select
    message_id,
    min(decided_at) as decided_at
from source.decisions.fct_decisions
where outcome = 'send' and user_id in (select given_id from landed.ids)
group by message_id
having min(decided_at) >= $first
