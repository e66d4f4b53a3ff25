{# A view is replaced under its own name in one statement. dbt's own way builds beside it, renames twice and
   drops the old one: a tenth of a second for each view at every tick, against a hundredth. #}

{% materialization view, adapter="duckdb" %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type="view") -%}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement("main") -%}
        {% if existing is not none and not existing.is_view %}drop {{ existing.type }} {{ existing }};{% endif %}
        {{ get_create_view_as_sql(target, compiled_code) | replace("create view", "create or replace view", 1) }}
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ return({"relations": [target]}) }}
{% endmaterialization %}
