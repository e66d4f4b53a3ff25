-- Visitors whom nobody knows and who gave these addresses and no other: the same person.
insert into ids
select
    given_id,
    timestamp '0001-01-01',
    timestamp '9999-12-31'
from told
where address_key <> '' and given_id like 'anon:%' and given_id not in (select given_id from ids)
group by given_id
having bool_and(address_key in (from addresses))
