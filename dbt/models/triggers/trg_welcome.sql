{{ config(contract={"enforced": true}) }}

-- Somebody signed up. Who signs up again is welcomed once: the journey is entered once for ever.

with sign_ups as (
    select
        user_id,
        event_id,
        occurred_at,
        row_number() over (partition by user_id order by occurred_at, event_id) as turn
    from {{ ref("fct_events") }}
    where occurred_at >= {{ ago(days=3) }} and event_name = 'signed_up'
)

select
    user_id,
    cast(null as {{ dbt.type_string() }}) as entity_key,
    event_id,
    occurred_at as triggered_at,
    occurred_at as signed_up_at
from sign_ups
where turn = 1
