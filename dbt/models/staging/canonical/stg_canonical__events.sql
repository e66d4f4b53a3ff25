-- Events that already have the canonical shape. Only the name is brought into one spelling.

select
    event_id,
    lower(replace(replace(trim(event_name), ' ', '_'), '-', '_')) as event_name,
    user_id,
    anonymous_id,
    occurred_at,
    occurred_at as changed_at,
    landed_at,
    properties,
    context,
    source
from {{ source("raw", "events") }}
