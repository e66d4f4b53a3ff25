{{ config(contract={"enforced": true}) }}

-- Say in a sentence who is in it. Here: people who ordered at least twice.

select
    user_id,
    orders
from {{ ref("dim_people") }}
where orders >= 2
