-- Column → type of a table, `schema.table`.
select column_name, data_type
from duckdb_columns()
where schema_name || '.' || table_name = $table
