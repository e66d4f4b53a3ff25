-- Messages that a provider took, by channel.
select
    date_trunc($bin, decided_at) as moment,
    channel as name,
    count(*) as amount
from marts.fct_messages
where decided_at >= $since and accepted_at is not null
group by all
order by moment, name
