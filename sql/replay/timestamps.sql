-- The columns that hold a time, of the relations that a model reads.
select
    schema_name || '.' || table_name as relation,
    column_name
from duckdb_columns()
where not internal and data_type like 'TIMESTAMP%'
order by all
