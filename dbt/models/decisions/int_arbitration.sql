-- Who must give way to whom. A person gets one marketing message a tick, and so does an inbox that several
-- people share: of the steps that pass every gate the highest priority wins, then the earliest due, then the
-- lowest message id. The others wait for the next tick and are judged again, against the caps that the winner
-- then counts in. A held-out step takes its turn like any other, although its message will not come: otherwise
-- the held out would meet fewer rivals and fuller caps than those they are compared with.

with steps as (
    select
        candidates.candidate_id,
        candidates.person_id,
        addresses.address_key,
        options.message_id,
        case when failing.candidate_id is null then 1 else 0 end as is_free,
        row_number() over (
            partition by candidates.person_id
            order by candidates.priority desc, candidates.due_at asc, options.message_id asc
        ) as place,
        row_number() over (
            partition by addresses.address_key
            order by candidates.priority desc, candidates.due_at asc, options.message_id asc
        ) as place_at_address
    from {{ ref("int_candidates_this_run") }} as candidates
    inner join {{ ref("int_channel_options") }} as options
        on candidates.candidate_id = options.candidate_id and options.choice = 1
    left join {{ ref("dim_addresses") }} as addresses
        on candidates.person_id = addresses.user_id and options.channel = addresses.channel
    left join (select distinct candidate_id from {{ ref("int_failing_gates") }} where gate <> 'holdout') as failing
        on candidates.candidate_id = failing.candidate_id
    where candidates.message_class = 'marketing'
),

of_person as (
    select
        steps.*,
        row_number() over (partition by steps.person_id order by steps.place) as turn
    from steps
    where steps.is_free = 1
),

-- Only who won among their own stands in the way of others behind the same address.
of_address as (
    select
        of_person.*,
        row_number() over (partition by of_person.address_key order by of_person.place_at_address) as turn_at_address
    from of_person
    where of_person.turn = 1
)

select
    steps.candidate_id,
    coalesce(of_person.message_id, of_address.message_id) as blocking_id
from steps
left join of_person on steps.person_id = of_person.person_id and of_person.turn = 1 and steps.place > of_person.place
left join of_address
    on
        steps.address_key = of_address.address_key
        and of_address.turn_at_address = 1
        and steps.place_at_address > of_address.place_at_address
where of_person.message_id is not null or of_address.message_id is not null
