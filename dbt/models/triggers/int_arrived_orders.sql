-- Orders with the moment their goods are with the person: when `order_delivered` says so (of several parcels the
-- first), and seven days after the order at the latest, because many shops never hear of it. A shop that reports
-- an order twice has sold it once; what was cancelled or refunded never arrives.

with orders as (
    select
        user_id,
        coalesce(order_id, event_id) as order_id,
        event_id,
        occurred_at as ordered_at,
        {{ add_seconds("occurred_at", 7 * 24 * 3600) }} as latest_at,
        row_number() over (
            partition by coalesce(order_id, event_id)
            order by case when user_id like 'anon:%' then 1 else 0 end, occurred_at, event_id
        ) as report
    from {{ ref("fct_events") }}
    where occurred_at >= {{ ago(days=20) }} and event_name = 'order_completed'
),

outcomes as (
    select
        order_id,
        min(case when event_name = 'order_delivered' then occurred_at end) as delivered_at,
        max(case when event_name <> 'order_delivered' then 1 else 0 end) as is_undone
    from {{ ref("fct_events") }}
    where
        occurred_at >= {{ ago(days=20) }}
        and event_name in ('order_delivered', 'order_cancelled', 'order_refunded')
        and order_id is not null
    group by order_id
)

select
    orders.user_id,
    orders.order_id,
    orders.event_id,
    orders.ordered_at,
    outcomes.delivered_at is not null as is_delivered,
    least(greatest(coalesce(outcomes.delivered_at, orders.latest_at), orders.ordered_at), orders.latest_at)
        as arrived_at
from orders
left join outcomes on orders.order_id = outcomes.order_id
where
    orders.report = 1
    and coalesce(outcomes.is_undone, 0) = 0
    and least(coalesce(outcomes.delivered_at, orders.latest_at), orders.latest_at) <= {{ as_of() }}
