{{ config(materialized="incremental", incremental_strategy="append") }}

-- depends_on: {{ ref("int_identity_map") }}
-- Who is held out of a journey, drawn once, when a step of it first falls due for them, and kept.
-- The draw hangs on the contact address, so that two profiles with one address share a fate; the
-- bucket does not depend on the share, so a growing share only ever adds people.

with due as (
    select distinct
        candidates.journey,
        candidates.person_id as user_id,
        coalesce(people.cluster_id, candidates.person_id) as cluster_id,
        journeys.holdout_share
    from {{ ref("int_candidates_this_run") }} as candidates
    inner join {{ source("policy", "journeys") }} as journeys on candidates.journey = journeys.journey
    left join {{ ref("dim_people") }} as people on candidates.person_id = people.user_id
    where candidates.message_class = 'marketing'
),

drawn as (
    select
        journey,
        user_id,
        cluster_id,
        holdout_share,
        {{ bucket("journey || '|' || cluster_id") }} as bucket
    from due
),

-- A draw goes with its person when their id changes.
kept as (
    {% if is_incremental() %}
    select distinct
        draws.journey,
        coalesce(identity.user_id, draws.user_id) as user_id
    from {{ this }} as draws
    left join {{ ref("int_identity_map") }} as identity on draws.user_id = identity.from_user_id
    {% else %}
    select
        journey,
        user_id
    from due
    where 1 = 0
    {% endif %}
)

select
    drawn.journey,
    drawn.user_id,
    drawn.cluster_id,
    drawn.bucket,
    drawn.holdout_share,
    drawn.bucket < drawn.holdout_share * 10000 as is_holdout,
    {{ as_of() }} as assigned_at
from drawn
left join kept on drawn.journey = kept.journey and drawn.user_id = kept.user_id
where kept.user_id is null
