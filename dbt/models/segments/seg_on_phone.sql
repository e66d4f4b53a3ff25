{{ config(contract={"enforced": true}, tags=["hourly"]) }}

-- Comes by phone on most days.

select
    user_id,
    device
from {{ ref("int_demographics") }}
where device = 'phone'
