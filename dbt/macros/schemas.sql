{# A folder's schema is its own name (`people`, not `main_people`): what a reader sees is what they query. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
