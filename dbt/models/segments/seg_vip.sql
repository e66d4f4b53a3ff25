{{ config(contract={"enforced": true}) }}

-- Among those who bought: often, much, and not long ago.

select
    user_id,
    orders,
    revenue,
    last_ordered_at,
    rfm_recency,
    rfm_frequency,
    rfm_monetary
from {{ ref("dim_people") }}
where rfm_recency >= 3 and rfm_frequency >= 4 and rfm_monetary >= 4
