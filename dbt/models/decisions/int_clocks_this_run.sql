-- What the clocks show now where the people with something due, or waiting in the ledger, may be: their own
-- zone; else any zone their phone number may be in; else any that is served. Several rows for a person mean
-- that nobody knows which is right: quiet in one of them is quiet, and a message counts in a day that is
-- today in one of them.

with concerned as (
    select person_id as user_id
    from {{ ref("int_candidates_this_run") }}
    where message_class = 'marketing'
    union
    select coalesce(identity.user_id, messages.user_id) as user_id
    from {{ ref("int_ledger_messages") }} as messages
    left join {{ ref("int_identity_map") }} as identity on messages.user_id = identity.from_user_id
    where messages.state in ('planned', 'claimed', 'retry_wait') and messages.message_class = 'marketing'
),

people as (
    select
        concerned.user_id,
        people.time_zone,
        -- Some numbers (satellite phones) have no zone: that is not knowing, too.
        nullif(people.phone_time_zones, '[]') as phone_time_zones
    from concerned
    left join {{ ref("dim_people") }} as people on concerned.user_id = people.user_id
),

possible_zones as (
    select
        user_id,
        time_zone
    from people
    where time_zone is not null
    union all
    select
        people.user_id,
        zones.item as time_zone
    from people
    {{ each_in_json_list("people.phone_time_zones", "zones") }}
    where people.time_zone is null and people.phone_time_zones is not null
    union all
    select
        people.user_id,
        served.time_zone
    from people
    cross join {{ ref("served_time_zones") }} as served
    where people.time_zone is null and people.phone_time_zones is null
),

-- By zone, not by person: there are a few hundred of the one and a million of the other.
zones as (
    select
        time_zone,
        {{ to_local(as_of(), "time_zone") }} as local_now
    from (select distinct time_zone from possible_zones) as named
),

local_days as (
    select
        time_zone,
        extract(hour from local_now) * 60 + extract(minute from local_now) as minute_of_day,
        cast(date_trunc('day', local_now) as timestamp) as day_start,
        cast(date_trunc('week', local_now) as timestamp) as week_start,
        cast(date_trunc('month', local_now) as timestamp) as month_start
    from zones
),

clocks as (
    select
        time_zone,
        minute_of_day,
        -- 0 is Monday: the day that a week starts on, for every database.
        cast({{ seconds_between("week_start", "day_start") }} / 86400 as bigint) as day_of_week,
        {{ from_local("day_start", "time_zone") }} as day_began_at,
        {{ from_local("week_start", "time_zone") }} as week_began_at,
        {{ from_local("month_start", "time_zone") }} as month_began_at
    from local_days
)

select
    possible_zones.user_id,
    clocks.*
from possible_zones
inner join clocks on possible_zones.time_zone = clocks.time_zone
