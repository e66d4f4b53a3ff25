{{ config(materialized="view") }}

-- Every live segment in one shape, under the name that conditions know it by.
{% for segment in var("segments") %}
select
    'seg_{{ segment }}' as operand,
    user_id
from {{ ref("seg_" ~ segment) }}
{{ "union all" if not loop.last }}
{% endfor %}
