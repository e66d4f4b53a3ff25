{# How far a growing table has read, as a literal: compared with a literal, the filter reaches the scan of raw, and
   history is not opened again at every tick; compared with a subquery it does not. `mark_as_read` keeps it. Where
   nothing is marked the newest `visible_at` in the table counts. Unit tests override this macro. #}
{% macro seen_until(relation, column="visible_at") -%}
    {%- if execute -%}
        {%- set newest = run_query("select max(" ~ column ~ ") from " ~ relation).columns[0].values()[0] -%}
    {%- endif -%}
    {%- if newest -%}
        cast('{{ newest.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp)
    {%- else -%}
        {{ beginning_of_time() }}
    {%- endif -%}
{%- endmacro %}

{# Up to when a model has read everything that could be seen. Its newest row does not tell: a shop whose events tie no
   device to anyone would have its whole history read again at every tick. Used with `mark_as_read` as post-hook,
   which is written in the transaction of the rows. Unit tests override this macro. #}
{% macro read_until(model) -%}
    {%- set marks = adapter.get_relation(this.database, "staging", model.name ~ "_read_until") if execute -%}
    {%- if marks -%}{{ seen_until(marks, "read_until") }}{%- else -%}{{ beginning_of_time() }}{%- endif -%}
{%- endmacro %}
{% macro mark_as_read() -%}
    create or replace table staging.{{ this.name }}_read_until as select {{ as_of() }} as read_until
{%- endmacro %}

{# Whether an alias came since. Unit tests override this macro. #}
{% macro new_renamings(since) -%}
    {%- if execute -%}
        {%- set links = ref("int_identity_links") -%}
        {%- set found = run_query("select 1 from " ~ links ~ " where visible_at >= " ~ since ~ " and link_kind = 'user' limit 1") -%}
        {%- do return(found.rows | length > 0) -%}
    {%- endif -%}
    {%- do return(true) -%}
{%- endmacro %}
