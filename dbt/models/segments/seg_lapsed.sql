{{ config(materialized="view", contract={"enforced": true}) }}

-- Bought once, and not for 90 days.

select
    user_id,
    orders,
    revenue,
    last_ordered_at
from {{ ref("dim_people") }}
where last_ordered_at < {{ ago(days=90) }}
