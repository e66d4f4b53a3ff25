{# Models that append read what earlier runs appended. dbt allows no circle, so they read the tables
   as the source `history`; and what is tagged `hourly` is not built by the tick that reads it. This makes
   them exist, empty, before the first run. #}
{% macro create_history() %}
    {% if execute and flags.WHICH in ("build", "run", "test", "seed", "compile", "show") %}
        {% for model in ["fct_decisions", "int_assignments"] %}
            {% do create_before_first_run(graph.nodes["model.dovecote." ~ model]) %}
        {% endfor %}
        {% for node in graph.nodes.values() if node.resource_type == "model" and "hourly" in node.tags %}
            {% do create_before_first_run(node) %}
        {% endfor %}
    {% endif %}
{% endmacro %}

{% macro create_before_first_run(node) %}
    {% set relation = api.Relation.create(
        database=node.database, schema=node.schema, identifier=node.name, type="table"
    ) %}
    {% if load_relation(relation) is none %}
        {# The columns come from the contract in the model's YAML, so they are written down once. #}
        {% set columns = [] %}
        {% for column in node.columns.values() %}
            {% do columns.append(column.name ~ " " ~ column.data_type) %}
        {% endfor %}
        {% do run_query("create schema if not exists " ~ node.schema) %}
        {% do run_query("create table " ~ relation ~ " (" ~ columns | join(", ") ~ ")") %}
        {# dbt listed what exists before this hook ran. #}
        {% do adapter.cache_added(relation) %}
    {% endif %}
{% endmacro %}
