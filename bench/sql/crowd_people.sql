-- $people people with a profile, addresses and consents, as the models of `people` leave them: two in three have a
-- telephone, four in five have said yes, one in five has no time zone.
insert into people.int_people_base by name
select
    'u' || n as user_id,
    'Name' || n as first_name,
    'u' || n || '@example.com' as email,
    case when n % 3 > 0 then '+447' || lpad(cast(n as varchar), 9, '0') end as phone,
    case when n % 3 > 0 then 'GB' end as phone_country,
    case when n % 3 > 0 then '["Europe/London"]' end as phone_time_zones,
    case when n % 5 > 0 then 'Europe/London' end as time_zone,
    'GB' as country,
    cast($as_of as timestamp) - interval 400 day as first_seen_at,
    cast($as_of as timestamp) - interval 1 hour as last_seen_at,
    n % 4 as orders,
    (n % 4) * 20.0 as revenue,
    case when n % 4 > 0 then cast($as_of as timestamp) - to_seconds(n) end as last_ordered_at
from range($people) as people (n);

insert into people.dim_addresses by name
select
    people.user_id,
    channels.channel,
    case channels.channel when 'email' then people.email else people.phone end as address,
    case channels.channel when 'email' then people.email else people.phone end as address_key,
    false as is_suppressed_for_all,
    false as is_suppressed_for_marketing
from people.dim_people as people
cross join (values ('email'), ('sms'), ('rcs')) as channels (channel)
where channels.channel = 'email' or people.phone is not null;

insert into people.dim_consents by name
select
    'u' || n as user_id,
    channels.channel,
    'marketing' as purpose,
    n % 5 > 0 as is_given,
    cast($as_of as timestamp) - interval 390 day as occurred_at,
    'bench' as consent_source
from range($people) as people (n)
cross join (values ('email'), ('sms'), ('rcs')) as channels (channel);
