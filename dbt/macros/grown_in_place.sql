{# A growing table gets its new rows by one `insert`. dbt's own way on DuckDB writes them to a temporary table first,
   asks four times which columns there are, and looks for backups: three times the cost of a small append.

   Two strategies. `append`: the rows come on top. `renew`: where the model gives rows, they take the place of
   all there were, with whatever columns they have; where it gives none, the table stays as it is. Neither updates or deletes a row, so that
   both travel to engines that can only write whole files. #}

{% materialization incremental, adapter="duckdb" %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type="table") -%}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% if existing is none or not existing.is_table or should_full_refresh() %}
        {% call statement("main") -%}
            {% if existing is not none %}drop {{ existing.type }} {{ existing }};{% endif %}
            {% if model.config.meta.is_written_every_tick and config.get("contract").enforced -%}
                {{ create_history_table(target, compiled_code) }}
            {%- else %}{{ create_table_as(False, target, compiled_code) }}{% endif %}
        {%- endcall %}
    {% else %}
        {% if config.get("incremental_strategy") == "renew" %}
            {% set rows = make_temp_relation(target) %}
            {% do run_query(create_table_as(True, rows, compiled_code)) %}
            {% set is_new = run_query("select 1 from " ~ rows ~ " limit 1").rows | length > 0 or names_of(rows) != names_of(existing) %}
            {% call statement("main") -%}
                {% if is_new %}create or replace table {{ target }} as select * from {{ rows }};{% endif %}
                drop table {{ rows }}
            {%- endcall %}
        {% else %}
            {% set columns = columns_that_fit(existing, compiled_code) %}
            {% call statement("main") -%}
                insert into {{ target }} ({{ columns }}) select {{ columns }} from ({{ compiled_code }}) as arrived
            {%- endcall %}
        {% endif %}
    {% endif %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ return({"relations": [target]}) }}
{% endmaterialization %}

{% macro names_of(relation) %}{% do return(adapter.get_columns_in_relation(relation) | map(attribute="name") | list) %}{% endmacro %}

{# Whether a table that grows has a column yet. Unit tests override this macro. #}
{% macro has_column(relation, name) %}{% do return(execute and name in names_of(relation)) %}{% endmacro %}

{# The columns of a table that grows, as a list in SQL; an error where the model has others. #}
{% macro columns_that_fit(existing, sql) %}
    {% set has = names_of(existing) %}
    {% set given = adapter.get_column_schema_from_query(get_empty_subquery_sql(sql)) | map(attribute="name") | list %}
    {% if has | sort != given | sort %}
        {% do exceptions.raise_compiler_error(
            existing ~ " has the columns " ~ has | join(", ") ~ "; the model gives " ~ given | join(", ")
            ~ ". A table that grows keeps its columns: build it anew (dbt run --full-refresh --select " ~ this.name
            ~ "+), or the whole warehouse from its archive."
        ) %}
    {% endif %}
    {% do return(has | map("tojson") | join(", ")) %}
{% endmacro %}
