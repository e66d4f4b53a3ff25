-- What templates may know of one person, and where each channel reaches them.
select
    people.user_id,
    people.first_name,
    people.last_name,
    people.language,
    people.loyalty_tier,
    people.time_zone,
    addresses.channel,
    addresses.address
from people.dim_people as people
left join people.dim_addresses as addresses on people.user_id = addresses.user_id
where people.user_id = $user_id
