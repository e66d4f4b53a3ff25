{# A KPI that is a share of messages: by day of decision, journey, step, channel and variant, how many of those that
   have an `of` (a moment of fct_messages) `did` something. `among` says which messages it can be told of at all: no
   row is better than a made-up 0 %. #}
{% macro share_of_messages(did, of, among=none) %}
with cells as (
    select
        {{ day_of("decided_at") }} as window_start,
        journey,
        step,
        channel,
        variant,
        count(case when {{ did }} then {{ of }} end) as numerator,
        count({{ of }}) as denominator
    from {{ ref("fct_messages") }}
    {% if among %}where {{ among }}{% endif %}
    group by {{ day_of("decided_at") }}, journey, step, channel, variant
)

select
    window_start,
    journey,
    step,
    channel,
    variant,
    cast(numerator as double) / nullif(denominator, 0) as value,
    cast(numerator as double) as numerator,
    cast(denominator as double) as denominator
from cells
{% endmacro %}
