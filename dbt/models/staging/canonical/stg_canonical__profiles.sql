-- Changes of profiles in the canonical shape. A null says nothing, an empty text clears.

select
    coalesce(user_id, 'anon:' || anonymous_id) as given_id,
    lower(trim(email)) as email,
    case when phone = '' then '' else phone_e164 end as phone,
    case when phone = '' then '' else phone_country end as phone_country,
    case when phone = '' then '' else phone_time_zones end as phone_time_zones,
    first_name,
    last_name,
    time_zone,
    language,
    country,
    {{ json_text("traits", "$.region") }} as region,
    push_token,
    preferred_channel,
    loyalty_tier,
    updated_at,
    landed_at,
    source
from {{ source("raw", "profiles") }}
