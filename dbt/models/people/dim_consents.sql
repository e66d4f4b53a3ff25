{{ config(contract={"enforced": true}) }}

-- What a person agreed to, by channel and purpose, with the proof. The newest word counts; of two at the
-- same moment the withdrawal does.

with resolved as (
    select
        consents.*,
        coalesce(spans.user_id, consents.given_id) as person_id
    from {{ ref("stg_canonical__consents") }} as consents
    left join {{ ref("int_identity_spans") }} as spans
        on
            consents.given_id = spans.given_id
            and consents.occurred_at >= spans.valid_from
            and consents.occurred_at < spans.valid_to
    -- A no counts from when it landed, even where the sender's clock runs ahead; a yes from when it was given.
    where
        consents.landed_at <= {{ as_of() }}
        and (consents.occurred_at <= {{ as_of() }} or not consents.is_given)
),

numbered as (
    select
        *,
        row_number() over (
            partition by person_id, channel, purpose
            order by occurred_at desc, is_given asc, landed_at desc, given_id asc, consent_source asc
        ) as recency
    from resolved
)

select
    person_id as user_id,
    channel,
    purpose,
    is_given,
    occurred_at,
    consent_source,
    wording_version
from numbered
where recency = 1
