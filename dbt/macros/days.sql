{# The UTC day a moment falls on, as the moment it began: the window of every KPI. #}
{% macro day_of(moment) -%}cast(date_trunc('day', {{ moment }}) as timestamp){%- endmacro %}

{# Where the marts and KPIs begin: a whole day, `kpi_days` ago. It keeps a tick's cost in bounds. #}
{% macro kpis_since() -%}{{ day_of(ago(days=var("kpi_days") | int)) }}{%- endmacro %}
