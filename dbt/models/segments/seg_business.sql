{{ config(contract={"enforced": true}, tags=["hourly"]) }}

-- The CRM calls them a business. A segment by any other trait is this file with another name in it.

select
    user_id,
    value as customer_type
from {{ trait("customer_type") }} as types
where lower(value) in ('business', 'b2b', 'company')
