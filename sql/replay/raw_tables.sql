-- The tables that hold what landed, with the column that says when it happened: a row landed then, too,
-- where history is replayed as if it had come at once. The ledger's journal is a table of its own kind.
select
    table_name,
    coalesce(
        min(case when column_name = 'occurred_at' then column_name end),
        min(case when column_name = 'updated_at' then column_name end),
        'landed_at'
    ) as happened
from duckdb_columns()
where database_name = $database and schema_name = 'raw'
group by table_name
having
    count(*) filter (where column_name = 'landed_at') > 0
    and table_name not in ('manifest', 'quarantine')
order by table_name
