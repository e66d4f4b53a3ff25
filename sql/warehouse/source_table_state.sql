-- Changes whenever a row is loaded, also a late one.
select count(*) as row_count, cast(max({loaded_at}) as text) as newest
from {table}
