-- The people whom events $first to $last bring: every fifth has a profile and has said yes to e-mail.
insert into raw.profiles by name
select
    'u' || n as user_id, 'u' || n || '@example.com' as email, 'Name' || n as first_name, 'Europe/London' as time_zone,
    '{}' as traits, timestamp '2022-01-01 12:00' + to_microseconds(greatest(0, n - 90000) * 259200000) as updated_at,
    updated_at as landed_at, 'bench' as source, 'bench' as source_file
from range(case when $first = 0 then 0 else 90000 + $first // 100 end, 90000 + $last // 100) as people (n)
where n % 5 = 0;

insert into raw.consents by name
select
    user_id, 'email' as channel, 'marketing' as purpose, 'given' as status, updated_at as occurred_at,
    'bench' as consent_source, landed_at, 'bench' as source, 'bench' as source_file
from raw.profiles
where cast(substr(user_id, 2) as bigint) >= case when $first = 0 then 0 else 90000 + $first // 100 end
