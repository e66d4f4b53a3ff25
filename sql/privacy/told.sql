-- Who told which address in one raw table, and whose a row without any address is.
insert into told
select distinct
    given_id,
    address_key
from (
    select
        {given_id} as given_id,
        unnest(list_append({addresses}, null)) as address_key
    from raw.{table}
    where landed_at >= timestamp '{since}'
) as every
where given_id is not null
