{# True where `zone` is a name the IANA database knows. The list is dbt's own pytz, written into the
   query: a name that no database knows would stop every query that asks for its local time. #}
{% macro is_time_zone(zone) -%}
    {{ zone }} in ('{{ modules.pytz.all_timezones | join("', '") }}')
{%- endmacro %}
