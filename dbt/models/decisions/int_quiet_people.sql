-- People with something due for whom it is quiet now, by the first rule that says so. Whatever is not known is
-- taken as it would keep them in peace: a zone (see int_clocks_this_run), a country, a region, and a rule whose
-- times or weekdays cannot be read holds all day, every day.

with clocks as (
    select
        clocks.user_id,
        clocks.minute_of_day,
        substr('montuewedthufrisatsun', clocks.day_of_week * 3 + 1, 3) as weekday,
        substr('montuewedthufrisatsun', (clocks.day_of_week + 6) % 7 * 3 + 1, 3) as weekday_before,
        coalesce(people.country, people.phone_country) as country,
        people.region
    from {{ ref("int_clocks_this_run") }} as clocks
    left join {{ ref("dim_people") }} as people on clocks.user_id = people.user_id
),

written as (
    select
        rule_id,
        message_class,
        coalesce(upper(country), '*') as country,
        coalesce(upper(region), '*') as region,
        replace(lower(coalesce(weekdays, '*')), ' ', '') as weekdays,
        case when {{ matches("quiet_from", "'([01][0-9]|2[0-4]):[0-5][0-9]'") }} then quiet_from end as quiet_from,
        case when {{ matches("quiet_until", "'([01][0-9]|2[0-4]):[0-5][0-9]'") }} then quiet_until end as quiet_until
    from {{ ref("quiet_hours") }}
),

minutes as (
    select
        *,
        cast(substr(quiet_from, 1, 2) as bigint) * 60 + cast(substr(quiet_from, 4, 2) as bigint) as starts,
        cast(substr(quiet_until, 1, 2) as bigint) * 60 + cast(substr(quiet_until, 4, 2) as bigint) as ends,
        {{ matches("weekdays", "'(mon|tue|wed|thu|fri|sat|sun)(,(mon|tue|wed|thu|fri|sat|sun))*'") }} as has_weekdays
    from written
),

rules as (
    select
        rule_id,
        message_class,
        country,
        region,
        case when has_weekdays then weekdays else 'mon,tue,wed,thu,fri,sat,sun' end as weekdays,
        case when coalesce(starts = ends, true) then 0 else starts end as starts,
        case when coalesce(starts = ends, true) then 1440 else ends end as ends
    from minutes
)

select
    clocks.user_id,
    rules.message_class,
    min(rules.rule_id) as rule_id
from clocks
inner join rules
    on
        (rules.country = '*' or clocks.country is null or upper(clocks.country) = rules.country)
        and (rules.region = '*' or clocks.region is null or upper(clocks.region) = rules.region)
        and (
            -- The weekday of a rule is the one on which its quiet begins.
            (
                clocks.minute_of_day >= rules.starts
                and (clocks.minute_of_day < rules.ends or rules.starts > rules.ends)
                and rules.weekdays like '%' || clocks.weekday || '%'
            )
            -- A rule that passes midnight is quiet into the next day.
            or (
                rules.starts > rules.ends
                and clocks.minute_of_day < rules.ends
                and rules.weekdays like '%' || clocks.weekday_before || '%'
            )
        )
group by clocks.user_id, rules.message_class
