-- Who must give way to whom. A person gets one marketing message a tick: of the steps that pass
-- every gate the highest priority wins, then the earliest due, then the lowest message id. The
-- others wait for the next tick and are judged again, against the caps that the winner then counts in.
-- A held-out step never stands in another's way, since its message will not come.

with steps as (
    select
        candidates.candidate_id,
        candidates.person_id,
        options.message_id,
        case when failing.candidate_id is null then 1 else 0 end as is_free,
        row_number() over (
            partition by candidates.person_id
            order by candidates.priority desc, candidates.due_at asc, options.message_id asc
        ) as place
    from {{ ref("int_candidates_this_run") }} as candidates
    inner join {{ ref("int_channel_options") }} as options
        on candidates.candidate_id = options.candidate_id and options.choice = 1
    left join (select distinct candidate_id from {{ ref("int_failing_gates") }}) as failing
        on candidates.candidate_id = failing.candidate_id
    where candidates.message_class = 'marketing'
),

winners as (
    select
        person_id,
        min(place) as place
    from steps
    where is_free = 1
    group by person_id
)

select
    steps.candidate_id,
    winning.message_id as blocking_id
from steps
inner join winners on steps.person_id = winners.person_id and steps.place > winners.place
inner join steps as winning on winners.person_id = winning.person_id and winners.place = winning.place
