{{ config(materialized="incremental", incremental_strategy="append", post_hook="{{ mark_as_read() }}") }}

-- What profiles say beyond the columns that have a place of their own: one row a trait and change. The macro
-- `trait` reads the newest word on one of them.

with changes as (
    select
        coalesce(user_id, 'anon:' || anonymous_id) as given_id,
        traits,
        updated_at,
        landed_at,
        greatest(landed_at, updated_at) as visible_at
    from {{ source("raw", "profiles") }}
    where
        traits <> '{}'
        and greatest(landed_at, updated_at) <= {{ as_of() }}
        {% if is_incremental() %}
        and greatest(landed_at, updated_at) >= {{ read_until(this) }}
        {% endif %}
),

said as (
    select
        given_id,
        updated_at,
        landed_at,
        visible_at,
        {{ json_entries("traits") }}
    from changes
)

select distinct
    said.given_id,
    said.name as trait,
    said.value,
    said.updated_at,
    said.landed_at,
    said.visible_at
from said
{% if is_incremental() %}
left join {{ this }} as known
    on
        said.given_id = known.given_id
        and said.name = known.trait
        and said.value = known.value
        and said.updated_at = known.updated_at
        and said.landed_at = known.landed_at
{% endif %}
where
    said.value is not null
    {% if is_incremental() %}
    and known.given_id is null
    {% endif %}
