{{ config(contract={"enforced": true}) }}

-- The top fifth in recency, frequency and money at once.

select
    user_id,
    orders,
    revenue,
    last_ordered_at,
    rfm_recency,
    rfm_frequency,
    rfm_monetary
from {{ ref("dim_people") }}
where rfm_recency = 5 and rfm_frequency = 5 and rfm_monetary = 5
