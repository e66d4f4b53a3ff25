{{ config(contract={"enforced": true}) }}

-- Where a person can be reached. A suppression is of the address, not of the person: it holds for
-- everyone behind it, on every channel that uses it.

-- WhatsApp and webhooks reach everybody who has a telephone or an id: who has no journey on them need not
-- carry a row a person.
with used_channels as (
    select distinct channel from {{ source("policy", "step_channels") }}
),

phone_channels as (
    select 'sms' as channel
    union all
    select 'rcs'
    union all
    select channel from used_channels where channel = 'whatsapp'
),

-- What has no @ is no e-mail address, and no E.164 number begins with anything but a plus.
addresses as (
    select
        user_id,
        'email' as channel,
        email as address
    from {{ ref("dim_people") }}
    where email like '_%@_%'
    union all
    select
        people.user_id,
        channels.channel,
        people.phone as address
    from {{ ref("dim_people") }} as people
    cross join phone_channels as channels
    where people.phone like '+_%'
    union all
    select
        user_id,
        'push' as channel,
        push_token as address
    from {{ ref("dim_people") }}
    where push_token <> ''
    union all
    -- The endpoint knows people by our ids; a visitor nobody knows is none of them.
    select
        people.user_id,
        used_channels.channel,
        people.user_id as address
    from {{ ref("dim_people") }} as people
    cross join used_channels
    where used_channels.channel = 'webhook' and people.user_id not like 'anon:%'
),

-- The ledger spells e-mail in lower case; the case of a push token or an id is part of it.
keyed as (
    select
        *,
        case when channel in ('push', 'webhook') then address else lower(address) end as address_key
    from addresses
),

newest as (
    select
        address_key,
        scope,
        to_state,
        reason,
        row_number() over (partition by address_key, scope order by seq desc) as recency
    from {{ source("raw", "ledger_journal") }}
    where kind = 'suppression' and address_key is not null and happened_at <= {{ as_of() }}
),

suppressions as (
    select
        address_key,
        max(case when scope = 'all' then 1 else 0 end) = 1 as is_for_all,
        -- `all` is before `marketing`.
        min_by(reason, scope) as reason
    from newest
    where recency = 1 and to_state <> 'lifted'
    group by address_key
)

select
    keyed.user_id,
    keyed.channel,
    keyed.address,
    keyed.address_key,
    coalesce(suppressions.is_for_all, false) as is_suppressed_for_all,
    suppressions.address_key is not null as is_suppressed_for_marketing,
    suppressions.reason as suppression_reason
from keyed
left join suppressions on keyed.address_key = suppressions.address_key
