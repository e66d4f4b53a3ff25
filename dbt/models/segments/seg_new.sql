{{ config(materialized="view", contract={"enforced": true}) }}

-- First seen in the last 30 days.

select
    user_id,
    first_seen_at,
    orders
from {{ ref("dim_people") }}
where first_seen_at >= {{ ago(days=30) }}
