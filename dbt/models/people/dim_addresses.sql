{{ config(contract={"enforced": true}) }}

-- Where a person can be reached. A suppression is of the address, not of the person: it holds for
-- everyone behind it, on every channel that uses it.

with addresses as (
    select user_id, 'email' as channel, email as address from {{ ref("dim_people") }}
    where email is not null
    union all
    select user_id, 'sms' as channel, phone as address from {{ ref("dim_people") }}
    where phone is not null
    union all
    select user_id, 'rcs' as channel, phone as address from {{ ref("dim_people") }}
    where phone is not null
    union all
    select user_id, 'push' as channel, push_token as address from {{ ref("dim_people") }}
    where push_token is not null
),

suppressions as (
    select
        address_key,
        max(case when scope = 'all' then 1 else 0 end) = 1 as is_for_all,
        max_by(reason, seq) as reason
    from {{ source("raw", "ledger_journal") }}
    where kind = 'suppression' and address_key is not null and happened_at <= {{ as_of() }}
    group by address_key
)

select
    addresses.user_id,
    addresses.channel,
    addresses.address,
    case when addresses.channel = 'push' then addresses.address else lower(addresses.address) end as address_key,
    coalesce(suppressions.is_for_all, false) as is_suppressed_for_all,
    suppressions.address_key is not null as is_suppressed_for_marketing,
    suppressions.reason as suppression_reason
from addresses
left join suppressions
    on case when addresses.channel = 'push' then addresses.address else lower(addresses.address) end
    = suppressions.address_key
