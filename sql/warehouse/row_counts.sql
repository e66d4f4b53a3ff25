-- Rows of every table of a schema, by DuckDB's own count (exact for tables nothing is deleted from,
-- as those that only grow; a count of each would cost a query a table).
select
    table_name,
    estimated_size
from duckdb_tables()
where schema_name = $schema
