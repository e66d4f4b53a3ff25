-- The ids that the models tied to the people in `ids`, and the people that these ids are now. One look is enough:
-- the models have followed every renaming to its end.
insert into ids
with people as (
    select given_id as user_id from ids
    union
    select user_id from people.int_identity_map
    where from_user_id in (select given_id from ids)
)

select user_id, timestamp '0001-01-01', timestamp '9999-12-31' from people
union
select given_id, valid_from, valid_to from people.int_identity_spans
where user_id in (select user_id from people)
