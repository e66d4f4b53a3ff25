{{ config(contract={"enforced": true}) }}

-- Somebody who bought once has not been here for 90 days, not even to look. Coming back in any way ends it; what
-- a server says about them (a nightly identify, a delivery) is none: `vars.no_sign_of_life`. The row stays for 17 days
-- more: as long as both steps can go out.

with missed as (
    select
        user_id,
        last_active_at,
        last_ordered_at
    from {{ ref("dim_people") }}
    where orders > 0 and last_active_at between {{ ago(days=107) }} and {{ ago(days=90) }}
)

select
    missed.user_id,
    cast(null as {{ dbt.type_string() }}) as entity_key,
    'last seen ' || cast(missed.last_active_at as {{ dbt.type_string() }}) as event_id,
    {{ add_seconds("missed.last_active_at", 90 * 24 * 3600) }} as triggered_at,
    missed.last_ordered_at,
    -- The hello goes out within two days, and only it shows a code: the second step must not take another.
    case when missed.last_active_at >= {{ ago(days=92) }} then 'win_back' end as discount_pool,
    coalesce(recommended.items, '[]') as recommendations
from missed
left join {{ recommended_to("missed", most=3) }} as recommended on missed.user_id = recommended.user_id
