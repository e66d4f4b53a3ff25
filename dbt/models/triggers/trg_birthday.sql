{{ config(contract={"enforced": true}) }}

-- It is somebody's birthday where they are (in UTC where nobody knows where that is). Who was born on 29 February
-- has it on the 28th in years without one. Who is not 18 yet gets no advertising for it, and nobody is 111.

with said as (
    select
        coalesce(born.user_id, birthdays.user_id) as user_id,
        coalesce(born.value, birthdays.value) as born_on
    from {{ trait("born_on") }} as born
    full outer join {{ trait("birthday") }} as birthdays on born.user_id = birthdays.user_id
),

born as (
    select
        user_id,
        substr(born_on, 6, 5) as month_and_day,
        cast(substr(born_on, 1, 4) as integer) as born_in
    from said
    where {{ matches("born_on", "'[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?'") }}
),

-- The days that have begun somewhere lately, as month and day.
days as (
    select
        began_at,
        substr(cast(began_at as {{ dbt.type_string() }}), 6, 5) as month_and_day,
        substr(cast({{ add_seconds("began_at", 24 * 3600) }} as {{ dbt.type_string() }}), 6, 5) as next_day,
        cast(substr(cast(began_at as {{ dbt.type_string() }}), 1, 4) as integer) as in_year
    from (
        {% for back in range(-1, 3) %}
        select {{ add_seconds(day_of(as_of()), -24 * 3600 * back) }} as began_at
        {{ "union all" if not loop.last }}
        {% endfor %}
    ) as calendar
),

birthdays as (
    select
        born.user_id,
        days.in_year,
        {% set as_clocks_show_it = to_local("days.began_at", "coalesce(people.time_zone, 'UTC')") %}
        {{ add_seconds("days.began_at", seconds_between(as_clocks_show_it, "days.began_at")) }} as began_at
    from born
    inner join days
        on
            born.month_and_day = days.month_and_day
            or (born.month_and_day = '02-29' and days.month_and_day = '02-28' and days.next_day = '03-01')
    inner join {{ ref("dim_people") }} as people on born.user_id = people.user_id
    where days.in_year - born.born_in between 18 and 110
)

select
    user_id,
    cast(null as {{ dbt.type_string() }}) as entity_key,
    'birthday@' || cast(in_year as {{ dbt.type_string() }}) as event_id,
    began_at as triggered_at
from birthdays
where began_at >= {{ ago(days=2) }} and began_at <= {{ as_of() }}
