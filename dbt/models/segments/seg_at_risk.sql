{{ config(contract={"enforced": true}) }}

-- Bought often and much, and not for long: among the best in frequency and money, among the last in recency.

select
    user_id,
    orders,
    revenue,
    last_ordered_at,
    rfm_recency,
    rfm_frequency,
    rfm_monetary
from {{ ref("dim_people") }}
where rfm_recency <= 2 and rfm_frequency >= 4 and rfm_monetary >= 4
