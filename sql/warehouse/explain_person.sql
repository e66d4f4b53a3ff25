-- Who this is: one row, by the person's id, an id they had before, or an address of theirs.
select
    people.user_id,
    people.first_name,
    people.last_name,
    people.time_zone,
    people.preferred_channel
from people.dim_people as people
left join people.int_identity_map as identity on people.user_id = identity.user_id
where $who in (people.user_id, identity.from_user_id, 'anon:' || $who, lower(people.email), people.phone)
    or identity.from_user_id = 'anon:' || $who
order by people.user_id = $who desc
limit 1
