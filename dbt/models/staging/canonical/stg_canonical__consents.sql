-- Consents as they were given and withdrawn, with their proof.

select
    user_id as given_id,
    lower(channel) as channel,
    lower(purpose) as purpose,
    status = 'given' as is_given,
    occurred_at,
    landed_at,
    consent_source,
    wording_version
from {{ source("raw", "consents") }}
