-- The KPI models that this warehouse holds; a run that was killed may have left dbt's own work beside them.
select table_name as model
from information_schema.tables
where table_schema = 'kpis' and starts_with(table_name, 'kpi_') and not contains(table_name, '__dbt')
order by table_name
