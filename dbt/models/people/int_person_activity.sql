-- What each person did: when they were seen, what they bought. An order that was reported twice is one order;
-- refunds come off the revenue.

with events as (
    select
        user_id,
        event_id,
        event_name,
        occurred_at,
        email,
        time_zone,
        network_time_zone,
        network_country,
        revenue,
        coalesce(order_id, event_id) as order_id
    from {{ ref("fct_events") }}
),

seen as (
    select
        user_id,
        {% for column in ["email", "time_zone", "network_time_zone", "network_country"] %}
        max_by({{ column }}, case when {{ column }} is not null then (occurred_at, event_id) end) as {{ column }},
        {% endfor %}
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at
    from events
    group by user_id
),

orders as (
    select
        user_id,
        order_id,
        max(case when event_name = 'order_completed' then 1 else 0 end) as is_completed,
        min(case when event_name = 'order_completed' then occurred_at end) as ordered_at,
        coalesce(max(case when event_name = 'order_completed' then revenue end), 0)
        - coalesce(sum(case when event_name = 'order_refunded' then revenue end), 0) as revenue
    from events
    where event_name in ('order_completed', 'order_refunded')
    group by user_id, order_id
),

bought as (
    select
        user_id,
        sum(is_completed) as orders,
        sum(revenue) as revenue,
        max(ordered_at) as last_ordered_at
    from orders
    group by user_id
)

select
    seen.user_id,
    seen.first_seen_at,
    seen.last_seen_at,
    seen.email,
    seen.time_zone,
    seen.network_time_zone,
    seen.network_country,
    coalesce(bought.orders, 0) as orders,
    coalesce(bought.revenue, 0) as revenue,
    bought.last_ordered_at
from seen
left join bought on seen.user_id = bought.user_id
