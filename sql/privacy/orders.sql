-- Their orders, so that the lines of these are theirs too.
insert into ids
select distinct
    'order:' || row_id,
    timestamp '0001-01-01',
    timestamp '9999-12-31'
from raw.shopify_orders
where {mine} and 'order:' || row_id not in (select given_id from ids)
