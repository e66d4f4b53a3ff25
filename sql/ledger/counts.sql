select state, count(*) from messages
group by state
order by state
