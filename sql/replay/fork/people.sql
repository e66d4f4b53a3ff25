-- The person asked about, and whoever can be reached at one of their addresses, and so on: caps, arbitration and
-- draws count the inbox, not the name.
create table landed.people as
with recursive reached as (
    select $user_id as user_id
    union
    select others.user_id
    from reached
    inner join source.people.dim_addresses as own on reached.user_id = own.user_id
    inner join source.people.dim_addresses as others on own.address_key = others.address_key
)

select user_id from reached
