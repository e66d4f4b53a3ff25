{{ config(contract={"enforced": true}) }}

-- Three orders or more in 90 days. An order that was reported twice is one.

select
    user_id,
    count(distinct coalesce(order_id, event_id)) as recent_orders,
    max(occurred_at) as last_ordered_at
from {{ kept_events_of_people() }} as orders
where occurred_at >= {{ ago(days=90) }} and event_name = 'order_completed'
group by user_id
having count(distinct coalesce(order_id, event_id)) >= 3
