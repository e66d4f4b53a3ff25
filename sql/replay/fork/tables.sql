-- The tables of the warehouse that dbt keeps, with the columns that they have; but not what landed, which is
-- `raw` and has constraints.
select
    tables.schema_name || '.' || tables.table_name as relation,
    bool_or(columns.column_name = 'user_id') as names_people
from duckdb_tables() as tables
inner join duckdb_columns() as columns
    on
        tables.database_name = columns.database_name
        and tables.schema_name = columns.schema_name
        and tables.table_name = columns.table_name
where tables.database_name = 'source' and tables.schema_name not in ('raw', 'main')
group by all
order by relation
