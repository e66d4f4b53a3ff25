-- Everybody whom the ledger names, once: for finding whom another store knows as erased.
select
    user_id,
    address_key
from messages
where user_id not like 'erased:%'
union
select
    '' as user_id,
    address_key
from suppressions
union
select
    '' as user_id,
    address_key
from receipts
where address_key is not null
union
select
    user_id,
    '' as address_key
from refusals
