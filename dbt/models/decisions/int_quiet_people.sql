-- People with something due for whom it is quiet now, by the first rule that says so.
-- A person's zone is the one on their profile; else any their phone number may be in; else any
-- that is served. Quiet in one possible zone is quiet: not knowing never wakes anybody.

with people as (
    select distinct
        candidates.person_id as user_id,
        people.time_zone,
        -- Some numbers (satellite phones) have no zone: that is not knowing, too.
        nullif(people.phone_time_zones, '[]') as phone_time_zones,
        coalesce(people.country, people.phone_country) as country
    from {{ ref("int_candidates_this_run") }} as candidates
    left join {{ ref("dim_people") }} as people on candidates.person_id = people.user_id
),

possible_zones as (
    select
        user_id,
        country,
        time_zone
    from people
    where time_zone is not null
    union all
    select
        people.user_id,
        people.country,
        zones.item as time_zone
    from people
    {{ each_in_json_list("people.phone_time_zones", "zones") }}
    where people.time_zone is null and people.phone_time_zones is not null
    union all
    select
        people.user_id,
        people.country,
        served.time_zone
    from people
    cross join {{ ref("served_time_zones") }} as served
    where people.time_zone is null and people.phone_time_zones is null
),

clocks as (
    select
        user_id,
        country,
        time_zone,
        extract(hour from {{ to_local(as_of(), "time_zone") }}) * 60
        + extract(minute from {{ to_local(as_of(), "time_zone") }}) as minute_of_day
    from possible_zones
),

rules as (
    select
        rule_id,
        message_class,
        country,
        cast(substr(quiet_from, 1, 2) as bigint) * 60 + cast(substr(quiet_from, 4, 2) as bigint) as starts,
        cast(substr(quiet_until, 1, 2) as bigint) * 60 + cast(substr(quiet_until, 4, 2) as bigint) as ends
    from {{ ref("quiet_hours") }}
)

select
    clocks.user_id,
    rules.message_class,
    min(rules.rule_id) as rule_id
from clocks
inner join rules
    on
        (rules.country = '*' or clocks.country = rules.country)
        and (
            (clocks.minute_of_day >= rules.starts and clocks.minute_of_day < rules.ends)
            -- A rule that passes midnight is quiet at either end of the day.
            or (
                rules.starts > rules.ends
                and (clocks.minute_of_day >= rules.starts or clocks.minute_of_day < rules.ends)
            )
        )
group by clocks.user_id, rules.message_class
