-- The columns that hold a duration of the policy, such as a cap's window.
select
    schema_name || '.' || table_name as relation,
    column_name
from duckdb_columns()
where not internal and column_name like '%\_seconds' escape '\' and data_type in ('INTEGER', 'BIGINT', 'DOUBLE')
order by all
