-- The newest word on every attribute of a person. A null says nothing, an empty text clears.

with changes as (
    select * from {{ ref("stg_canonical__profiles") }}
    union all
    select * from {{ ref("stg_shopify__customers") }}
),

resolved as (
    select
        changes.*,
        coalesce(spans.user_id, changes.given_id) as person_id
    from changes
    left join {{ ref("int_identity_spans") }} as spans
        on
            changes.given_id = spans.given_id
            and changes.updated_at >= spans.valid_from
            and changes.updated_at < spans.valid_to
    where greatest(changes.landed_at, changes.updated_at) <= {{ as_of() }}
),

numbered as (
    select
        *,
        row_number() over (
            partition by person_id
            order by updated_at, landed_at, given_id, source, email, phone, first_name, last_name
        ) as turn
    from resolved
)

select
    person_id as user_id,
    {% for attribute in [
        "email", "phone", "phone_country", "phone_time_zones", "first_name", "last_name", "time_zone", "language",
        "country", "region", "push_token", "preferred_channel", "loyalty_tier",
    ] %}
    nullif(max_by({{ attribute }}, case when {{ attribute }} is not null then turn end), '') as {{ attribute }},
    {% endfor %}
    -- Taken back, and not merely never told: an address that events still carry must not stand in for it.
    coalesce(max_by(email, case when email is not null then turn end) = '', false) as is_email_cleared,
    min(updated_at) as first_seen_at,
    max(updated_at) as last_seen_at
from numbered
group by person_id
