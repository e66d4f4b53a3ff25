{# The newest `visible_at` a growing table holds, as a literal: compared with a literal, the filter reaches
   the scan of raw, and history is not opened again at every tick; compared with a subquery it does not.
   Unit tests override this macro. #}
{% macro seen_until(relation) -%}
    {%- if execute -%}
        {%- set newest = run_query("select max(visible_at) from " ~ relation).columns[0].values()[0] -%}
    {%- endif -%}
    {%- if newest -%}
        cast('{{ newest.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp)
    {%- else -%}
        {{ beginning_of_time() }}
    {%- endif -%}
{%- endmacro %}
