-- Every id that was ever theirs, also for a while: a device that passed on has all of its past with it.
create table landed.ids as
select
    user_id as given_id,
    user_id
from landed.people
union
select
    from_user_id,
    user_id
from source.people.int_identity_map
where user_id in (select user_id from landed.people)
union
select
    given_id,
    user_id
from source.people.int_identity_spans
where user_id in (select user_id from landed.people)
