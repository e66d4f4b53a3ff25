{# From a zone's wall clock back to UTC, with one rule for the days on which clocks change: a local time that
   exists twice is the first of the two, and one that does not exist is the moment the clocks jump. Databases
   disagree about both, so only their way from UTC to local time is used, which has one answer always. #}

{# The first UTC moment at which a clock in `zone` shows `local`. Give columns: each is written many times. #}
{% macro from_local(local, zone) -%}
    {#- By the offset of a day before and by that of a day after: on nearly every day they are the same. -#}
    {%- set by_old = add_seconds(local, "-" ~ utc_offset(add_seconds(local, -86400), zone)) -%}
    {%- set by_new = add_seconds(local, "-" ~ utc_offset(add_seconds(local, 86400), zone)) -%}
    case
        when {{ to_local(by_old, zone) }} = {{ local }} then {{ by_old }}
        when {{ to_local(by_new, zone) }} = {{ local }} then {{ by_new }}
        else {{ clocks_jump_over(local, zone, by_new, by_old) }}
    end
{%- endmacro %}

{# Seconds by which a zone's clocks are ahead of UTC at a UTC moment. #}
{% macro utc_offset(moment, zone) -%}{{ seconds_between(moment, to_local(moment, zone)) }}{%- endmacro %}

{# The moment between two others, to the minute, from which a clock shows more than `local`. #}
{% macro clocks_jump_over(local, zone, since, until) -%}
    {{ adapter.dispatch("clocks_jump_over")(local, zone, since, until) }}
{%- endmacro %}
{% macro duckdb__clocks_jump_over(local, zone, since, until) -%}
    list_min(list_filter(
        generate_series({{ since }}, {{ until }}, interval 1 minute),
        lambda moment: {{ to_local("moment", zone) }} > {{ local }}
    ))
{%- endmacro %}
{% macro spark__clocks_jump_over(local, zone, since, until) -%}
    array_min(filter(
        sequence({{ since }}, {{ until }}, interval 1 minute), moment -> {{ to_local("moment", zone) }} > {{ local }}
    ))
{%- endmacro %}
