{{ config(meta={"is_written_every_tick": true}) }}

-- The people of whom there is news since int_people_base was written: they did something, their profile is another one
-- by now, or an id of theirs changed hands. `is_gone`: nothing is left of them under this id.

with concerned as (
    select user_id from {{ ref("int_activity_news") }}
    union
    {{ changed_profiles(ref("int_people_base")) }}
),

profiles as (
    select * from {{ ref("int_person_profiles") }}
    where user_id in (select user_id from concerned)
),

activity as (
    select * from {{ ref("int_person_activity") }}
    where user_id in (select user_id from concerned)
),

people as (
    {{ people_from("profiles", "activity") }}
)

select
    concerned.user_id,
    {% for column in person_columns() %}
    people.{{ column }},
    {% endfor %}
    people.user_id is null as is_gone
from concerned
left join people on concerned.user_id = people.user_id
