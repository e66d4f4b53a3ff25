{# The one clock. Every model asks here what time it is, so that the same inputs and `as_of`
   give the same decisions. `as_of` is UTC without a zone, like every timestamp in the models. #}

{% macro as_of() -%}
    cast('{{ var("as_of", run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f")) }}' as timestamp)
{%- endmacro %}

{# `ago(days=3)`: three times 24 hours before `as_of` (elapsed time, never calendar days). #}
{% macro ago(days=0, hours=0, minutes=0) -%}
    {{ add_seconds(as_of(), -((days * 24 + hours) * 60 + minutes) * 60) }}
{%- endmacro %}
