{{ config(materialized="incremental", incremental_strategy="renew") }}

-- The newest word on every attribute of a person. A null says nothing, an empty text clears. The words are put together
-- again of those people only of whom other rows are known than the last time, or rows of other ids.

{% set attributes = [
    "email", "phone", "phone_country", "phone_time_zones", "first_name", "last_name", "time_zone", "language",
    "country", "region", "push_token", "preferred_channel", "loyalty_tier",
] %}
{% set row_key = "given_id || source || " ~ sortable_time("updated_at") ~ " || " ~ sortable_time("landed_at") %}

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

-- Rows of profiles never change: which ones they are says what they say.
people as (
    select
        person_id,
        count(*) as changes,
        cast(sum({{ hash_of(row_key) }}) as bigint) as digest
    from resolved
    group by person_id
),

unchanged as (
    {% if is_incremental() %}
    select known.*
    from {{ this }} as known
    inner join people
        on known.user_id = people.person_id and known.changes = people.changes and known.digest = people.digest
    {% else %}
    select person_id as user_id from people
    where 1 = 0
    {% endif %}
),

numbered as (
    select
        resolved.*,
        people.changes,
        people.digest,
        row_number() over (
            partition by resolved.person_id
            order by updated_at, landed_at, given_id, source, email, phone, first_name, last_name
        ) as turn
    from resolved
    inner join people on resolved.person_id = people.person_id
    where resolved.person_id not in (select user_id from unchanged)
)

select
    person_id as user_id,
    {% for attribute in attributes %}
    nullif(max_by({{ attribute }}, case when {{ attribute }} is not null then turn end), '') as {{ attribute }},
    {% endfor %}
    -- Taken back, and not merely never told: an address that events still carry must not stand in for it.
    coalesce(max_by(email, case when email is not null then turn end) = '', false) as is_email_cleared,
    min(updated_at) as first_seen_at,
    max(updated_at) as last_seen_at,
    changes,
    digest
from numbered
group by person_id, changes, digest
{% if is_incremental() %}
union all
select
    user_id,
    {% for attribute in attributes %}
    {{ attribute }},
    {% endfor %}
    is_email_cleared,
    first_seen_at,
    last_seen_at,
    changes,
    digest
from unchanged
where exists (select 1 from numbered) or (select count(*) from people) < (select count(*) from {{ this }})
{% endif %}
