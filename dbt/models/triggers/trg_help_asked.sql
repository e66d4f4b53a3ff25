{{ config(contract={"enforced": true}) }}

-- Somebody answered a message with HELP, or what their language has for it. They hear who writes and how it ends.

select
    user_id,
    {{ json_text("properties", "$.channel") }} as entity_key,
    event_id,
    occurred_at as triggered_at
from {{ ref("fct_events") }}
where
    event_name = 'message_replied'
    and {{ json_text("properties", "$.reason") }} = 'help_word'
    and occurred_at >= {{ ago(days=1) }}
