-- The tables that dbt keeps, with what in them may name a person.
select
    tables.schema_name || '.' || tables.table_name as relation,
    list(columns.column_name order by columns.column_index) as names
from duckdb_tables() as tables
inner join duckdb_columns() as columns
    on
        tables.database_name = columns.database_name
        and tables.schema_name = columns.schema_name
        and tables.table_name = columns.table_name
where tables.schema_name not in ('raw', 'keys', 'policy', 'main') and not tables.temporary
group by all
order by relation
