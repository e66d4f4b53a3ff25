-- Shopify customers as changes of profiles. The numbers were brought into E.164 when they landed.

select
    row_id as given_id,
    {{ email_or_null(json_text("record", "$.email")) }} as email,
    {{ json_text("record", "$.phone_e164") }} as phone,
    {{ json_text("record", "$.phone_country") }} as phone_country,
    {{ json_text("record", "$.phone_time_zones") }} as phone_time_zones,
    {{ json_text("record", "$.first_name") }} as first_name,
    {{ json_text("record", "$.last_name") }} as last_name,
    cast(null as {{ dbt.type_string() }}) as time_zone,
    {{ json_text("record", "$.locale") }} as language,
    coalesce(
        {{ json_text("record", "$.default_address_country_code") }}, {{ json_text("record", "$.country_code") }}
    ) as country,
    {{ json_text("record", "$.default_address_province_code") }} as region,
    cast(null as {{ dbt.type_string() }}) as push_token,
    cast(null as {{ dbt.type_string() }}) as preferred_channel,
    cast(null as {{ dbt.type_string() }}) as loyalty_tier,
    occurred_at as updated_at,
    landed_at,
    'shopify' as source
from {{ source("raw", "shopify_customers") }}
