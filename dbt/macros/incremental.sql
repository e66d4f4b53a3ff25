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

{# The earliest moment in a column, as a literal; the end of time where there is none. What is asked for with it
   lies in the newest part of a history that grows, and the rest of it is not opened. A unit test looks at everything. #}
{% macro earliest(relation, column, condition="true") -%}
    {%- if not execute or model.resource_type == "unit_test" -%}
        {{ beginning_of_time() }}
    {%- else -%}
        {%- set found = run_query("select min(" ~ column ~ ") from " ~ relation ~ " where " ~ condition).columns[0].values()[0] -%}
        {%- if found -%}
            cast('{{ found.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp)
        {%- else -%}
            {{ end_of_time() }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# The `as_of` of the last run that decided anything. Every step that was due then was decided then, and one that had
   expired was suppressed for good. A unit test looks at everything. #}
{% macro decided_until() -%}
    {%- if execute and model.resource_type != "unit_test" -%}
        {{ seen_until(source("history", "fct_decisions"), "decided_at") }}
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

{# The `as_of` of the run before this one, of a model that marks what it has read. A unit test that is about it
   overrides this macro. #}
{% macro looked_until(relation) -%}
    {%- if execute and model.resource_type != "unit_test" -%}{{ read_until(relation) }}{%- else -%}{{ beginning_of_time() }}{%- endif -%}
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
