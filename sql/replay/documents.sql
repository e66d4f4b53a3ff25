-- Every time that a landed document names, such as when a booking begins: a trigger may wait for it although
-- no column holds it. A day without a time is its midnight.
create table landed.documents as
with named as (
    select unnest(regexp_extract_all(document, '\d{{4}}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.]\d+)?)?(Z|[+-]\d\d:?\d\d)?)?')) as text
    from ({documents}) as documents
)

select distinct timezone('UTC', coalesce(try_cast(text || 'Z' as timestamptz), try_cast(text as timestamptz))) as named_at
from named
where timezone('UTC', coalesce(try_cast(text || 'Z' as timestamptz), try_cast(text as timestamptz))) is not null
