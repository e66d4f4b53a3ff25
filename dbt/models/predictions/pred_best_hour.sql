{{ config(contract={"enforced": true}) }}

-- The hour of the day, in their own time, at which somebody is most likely to be here: the hours they were
-- active in over 90 days, each counted once a day, its neighbours by a quarter, and everybody's habit by the
-- weight of ten hours. Who was here in fewer than three such hours has no habit yet, and no row.

with hours as (
    select distinct
        events.user_id,
        cast(local_at as date) as day,
        cast(extract(hour from local_at) as integer) as hour
    from (
        select
            events.user_id,
            {{ to_local("events.occurred_at", "coalesce(people.time_zone, 'UTC')") }} as local_at
        from {{ ref("fct_events") }} as events
        left join {{ ref("dim_people") }} as people on events.user_id = people.user_id
        where events.occurred_at >= {{ ago(days=90) }} and events.occurred_at <= {{ as_of() }}
    ) as events
),

counted as (
    select
        user_id,
        hour,
        count(*) as times
    from hours
    group by user_id, hour
),

everybody as (
    select
        hour,
        cast(sum(times) as double) / sum(sum(times)) over () as share
    from counted
    group by hour
),

people as (
    select
        user_id,
        sum(times) as active_hours
    from counted
    group by user_id
    having sum(times) >= 3
),

scores as (
    select
        people.user_id,
        people.active_hours,
        everybody.hour,
        10 * everybody.share
        + coalesce(sum(case counted.hour when everybody.hour then 1 else 0.25 end * counted.times), 0) as score
    from people
    cross join everybody
    left join counted
        on
            people.user_id = counted.user_id
            -- One hour apart, around midnight too.
            and abs(counted.hour - everybody.hour) in (0, 1, 23)
    group by people.user_id, people.active_hours, everybody.hour, everybody.share
)

select
    user_id,
    max_by(hour, (score, -hour)) as hour,
    cast(max(active_hours) as bigint) as active_hours,
    {{ as_of() }} as predicted_at
from scores
group by user_id
