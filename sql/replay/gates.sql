-- What each gate did to the steps that fell due: stopped for good, only delayed, or stood behind another.
with judged as (
    select
        candidate_id,
        step_number,
        step,
        outcome,
        reason,
        unnest(json_extract_string(gates, '$[*]')) as gate,
        row_number() over (partition by candidate_id order by decision_number desc) = 1 as is_last
    from decisions.fct_decisions
    where journey = $journey and decided_at between $first and $last
)

select
    step,
    gate,
    count(distinct case when gate = reason and outcome = 'suppress' then candidate_id end) as stopped,
    count(distinct case when gate = reason and outcome = 'hold' then candidate_id end) as "delayed",
    count(distinct case when gate <> reason then candidate_id end) as stood_behind
from judged
group by step_number, step, gate
order by step_number, stopped desc, "delayed" desc, gate
