-- Other accounts with the same address: a household, or the same person twice. Only a person can tell which.
select distinct
    given_id,
    address_key
from told
where
    address_key in (from addresses)
    and given_id not like 'anon:%'
    and given_id not in (select given_id from ids)
order by given_id, address_key
