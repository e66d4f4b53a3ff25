{{ config(materialized="view") }}

-- Every live journey's trigger in one shape. A row here says that the condition holds now.
with trigger_rows as (
    {% for journey in var("journeys") %}
    select
        '{{ journey }}' as journey,
        entry.user_id,
        entry.entity_key,
        entry.event_id,
        entry.triggered_at,
        {{ row_as_json("entry") }} as payload
    from {{ ref("trg_" ~ journey) }} as entry
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select
    journey,
    user_id,
    entity_key,
    coalesce(entity_key, '') as entity,
    event_id,
    triggered_at,
    payload
from trigger_rows
where triggered_at <= {{ as_of() }} and user_id not like 'erased:%'
