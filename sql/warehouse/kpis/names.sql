-- The KPI models that this warehouse holds, with the unit that their YAML names; a run that was killed may have left
-- dbt's own work beside them.
select
    tables.table_name as model,
    units.unit
from information_schema.tables as tables
left join policy.kpi_units as units on tables.table_name = units.kpi
where
    tables.table_schema = 'kpis'
    and starts_with(tables.table_name, 'kpi_')
    and not contains(tables.table_name, '__dbt')
order by tables.table_name
