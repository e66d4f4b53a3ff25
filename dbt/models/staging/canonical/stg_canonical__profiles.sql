-- Changes of profiles in the canonical shape. A null says nothing, an empty text clears.

select
    coalesce(user_id, 'anon:' || anonymous_id) as given_id,
    lower(trim(email)) as email,
    phone_e164 as phone,
    phone_country,
    phone_time_zones,
    first_name,
    last_name,
    time_zone,
    language,
    country,
    push_token,
    preferred_channel,
    loyalty_tier,
    updated_at,
    landed_at,
    source
from {{ source("raw", "profiles") }}
