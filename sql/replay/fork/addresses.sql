-- Where they can be reached, as the ledger spells it.
create table landed.addresses as
select distinct
    user_id,
    channel,
    address_key
from source.people.dim_addresses
where user_id in (select user_id from landed.people)
