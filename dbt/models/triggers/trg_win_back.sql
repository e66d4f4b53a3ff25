{{ config(contract={"enforced": true}) }}

-- Somebody who bought once has not been here for 90 days, not even to look. Coming back in any way ends it. The
-- row stays for 17 days more: as long as both steps can go out.

select
    user_id,
    cast(null as {{ dbt.type_string() }}) as entity_key,
    'last seen ' || cast(last_seen_at as {{ dbt.type_string() }}) as event_id,
    {{ add_seconds("last_seen_at", 90 * 24 * 3600) }} as triggered_at,
    last_ordered_at
from {{ ref("int_person_activity") }}
where orders > 0 and last_seen_at between {{ ago(days=107) }} and {{ ago(days=90) }}
