-- The addresses that the person told by any id of theirs.
insert into addresses
select distinct address_key from told
where address_key <> '' and given_id in (select given_id from ids) and address_key not in (from addresses)
