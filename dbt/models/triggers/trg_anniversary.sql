{{ config(contract={"enforced": true}) }}

-- Somebody ordered for the first time a year ago, to the day and hour; who did so on 29 February has it on the 28th.
-- An order that was sent back is nothing to celebrate.

-- A day more on each side than the years' lengths differ by; the rows are counted exactly below.
with firsts as (
    select
        user_id,
        event_id,
        order_id,
        occurred_at,
        row_number() over (partition by user_id order by occurred_at, event_id) as turn
    from ({{ reports_of_people() }}) as reports
    where event_name = 'order_completed' and occurred_at >= {{ ago(days=371) }} and occurred_at < {{ ago(days=364) }}
),

anniversaries as (
    select
        *,
        {{ add_years("occurred_at", 1) }} as celebrated_at
    from firsts
    where
        turn = 1
        and {{ add_years("occurred_at", 1) }} >= {{ ago(days=3) }}
        and {{ add_years("occurred_at", 1) }} <= {{ as_of() }}
)

select
    user_id,
    cast(null as {{ dbt.type_string() }}) as entity_key,
    event_id,
    celebrated_at as triggered_at,
    occurred_at as first_ordered_at
from anniversaries
where
    not exists (
        select 1 from ({{ reports_of_people("anniversaries") }}) as orders
        where
            orders.user_id = anniversaries.user_id
            and orders.event_name = 'order_completed'
            and orders.occurred_at < {{ ago(days=371) }}
    )
    and not exists (
        select 1 from {{ ref("int_kept_events") }} as orders
        where
            coalesce(orders.order_id, orders.event_id) = anniversaries.order_id
            and orders.event_name = 'order_refunded'
            and orders.occurred_at < {{ ago(days=300) }}
    )
