-- When they would have gone out (UTC).
select
    date_trunc('hour', decided_at) as hour,
    channel,
    count(*) as messages
from decisions.fct_decisions
where journey = $journey and outcome = 'send' and decided_at between $first and $last
group by all
order by all
