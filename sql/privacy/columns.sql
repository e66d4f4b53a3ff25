-- The columns of one table.
select column_name
from information_schema.columns
where table_schema || '.' || table_name = $relation
order by ordinal_position
