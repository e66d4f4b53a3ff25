-- The columns of every table as dbt made it.
select
    schema_name || '.' || table_name as relation,
    '"' || column_name || '"' as column_name,
    data_type
from duckdb_columns()
where not internal
order by relation, column_index
