{{ config(contract={"enforced": true}, tags=["hourly"]) }}

-- Of age as far as their date of birth is known: who never said is not in it.

select
    user_id,
    age,
    age_band
from {{ ref("int_demographics") }}
where age >= 18
