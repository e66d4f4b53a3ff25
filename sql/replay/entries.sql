-- Who came in and who was turned away because they were in already.
select
    status,
    count(*) as entries,
    count(distinct user_id) as people
from decisions.fct_entries
where journey = $journey and recorded_at between $first and $last
group by status
order by status desc
