-- Who must give way to whom. A person gets one marketing message a tick, and so does an inbox that several
-- people share: of the steps that pass every gate the highest priority wins, then the earliest due, then the
-- lowest message id. The others wait for the next tick and are judged again, against the caps that the winner
-- then counts in. A held-out step takes its turn like any other, although its message will not come: otherwise
-- the held out would meet fewer rivals and fuller caps than those they are compared with.

with steps as (
    select
        candidates.candidate_id,
        candidates.person_id,
        candidates.priority,
        candidates.due_at,
        chosen.address_key,
        chosen.message_id
    from {{ ref("int_candidates_this_run") }} as candidates
    inner join {{ ref("int_chosen_channels") }} as chosen on candidates.candidate_id = chosen.candidate_id
    where candidates.message_class = 'marketing'
),

-- Most people have one step due, and an inbox of their own: nothing to weigh.
crowded_people as (
    select person_id from steps
    group by person_id
    having count(*) > 1
),

crowded_addresses as (
    select address_key from steps
    group by address_key
    having count(*) > 1
),

rivals as (
    select * from steps
    where
        person_id in (select person_id from crowded_people)
        or address_key in (select address_key from crowded_addresses)
),

placed as (
    select
        rivals.*,
        case when failing.candidate_id is null then 1 else 0 end as is_free,
        row_number() over (
            partition by rivals.person_id order by rivals.priority desc, rivals.due_at asc, rivals.message_id asc
        ) as place,
        row_number() over (
            partition by rivals.address_key order by rivals.priority desc, rivals.due_at asc, rivals.message_id asc
        ) as place_at_address
    from rivals
    left join (select distinct candidate_id from {{ ref("int_failing_gates") }} where gate <> 'holdout') as failing
        on rivals.candidate_id = failing.candidate_id
),

of_person as (
    select
        placed.*,
        row_number() over (partition by placed.person_id order by placed.place) as turn
    from placed
    where placed.is_free = 1
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
    placed.candidate_id,
    coalesce(of_person.message_id, of_address.message_id) as blocking_id
from placed
left join of_person on placed.person_id = of_person.person_id and of_person.turn = 1 and placed.place > of_person.place
left join of_address
    on
        placed.address_key = of_address.address_key
        and of_address.turn_at_address = 1
        and placed.place_at_address > of_address.place_at_address
where of_person.message_id is not null or of_address.message_id is not null
