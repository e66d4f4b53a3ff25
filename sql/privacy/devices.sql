-- Devices on which nobody but the person was ever known, also where no tick has looked yet.
insert into ids
select
    'anon:' || anonymous_id,
    timestamp '0001-01-01',
    timestamp '9999-12-31'
from (
    select user_id, anonymous_id from raw.events
    union
    select user_id, anonymous_id from raw.profiles
) as every
where user_id is not null and anonymous_id is not null
group by anonymous_id
having
    bool_and(user_id in (select given_id from ids))
    and 'anon:' || anonymous_id not in (select given_id from ids)
