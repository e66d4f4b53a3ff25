-- Nobody is left out.
create table landed.people as
select user_id from source.people.dim_people
