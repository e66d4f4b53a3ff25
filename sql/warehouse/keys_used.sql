-- When rows landed that have the keys of these: where to look for them. Two keys may share a hash; that is a
-- look in vain and no harm.
create or replace temp table used as
select mapped.file_no, mapped.row_number, held.landed_at
from {keys} as held
inner join (select file_no, row_number, {key_hash} as key_hash from mapped) as mapped on held.key_hash = mapped.key_hash
