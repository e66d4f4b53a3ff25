{{ config(contract={"enforced": true}, tags=["hourly"]) }}

-- Lives where the shop is at home.

select
    user_id,
    country,
    city
from {{ ref("int_demographics") }}
where country = '{{ var("home_country") }}'
