{{ config(contract={"enforced": true}) }}

-- Say in a sentence who enters, and why. Here: everybody to whom [[ event ]] happened.

select
    user_id,
    cast(null as {{ dbt.type_string() }}) as entity_key,
    event_id,
    occurred_at as triggered_at,
    occurred_at as happened_at,
    product_name
from {{ ref("fct_events") }}
where event_name = '[[ event ]]' and occurred_at >= {{ ago(days=3) }}
