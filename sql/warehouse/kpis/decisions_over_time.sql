-- Decisions by reason; `due` is a send.
select
    date_trunc($bin, decided_at) as moment,
    case outcome when 'send' then 'sent' else reason end as name,
    count(*) as amount
from decisions.fct_decisions
where decided_at >= $since
group by all
order by moment, name
