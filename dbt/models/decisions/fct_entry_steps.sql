{{ config(
    materialized="incremental", incremental_strategy="append", contract={"enforced": true},
    post_hook="{{ mark_as_read() }}"
) }}

-- What each entry is owed and when. A due time is computed once, here, and stored: a later change
-- of the journey's YAML, or of a person's zone, moves no timer that already runs. Durations are elapsed
-- time; a step with `at` waits on for that time of day where its person is (UTC where nobody knows).

-- Against what is stored, not against what this run brought: a crash between the two models heals.
{% set recorded_since = read_until(this) if is_incremental() else beginning_of_time() %}
{% set is_news = "status = 'entered' and recorded_at >= " ~ recorded_since %}

with fresh as (
    select entries.*
    from {{ ref("fct_entries") }} as entries
    {% if is_incremental() %}
    left join (
        select distinct entry_id from {{ this }}
        where entered_at >= {{ earliest(ref("fct_entries"), "entered_at", is_news) }}
    ) as stored on entries.entry_id = stored.entry_id
    where
        entries.status = 'entered'
        and entries.recorded_at >= {{ recorded_since }}
        and stored.entry_id is null
    {% else %}
    where entries.status = 'entered'
    {% endif %}
),

entries as (
    select
        fresh.*,
        coalesce(people.time_zone, 'UTC') as time_zone
    from fresh
    left join {{ ref("int_identity_map") }} as identity on fresh.user_id = identity.from_user_id
    left join {{ ref("dim_people") }} as people on coalesce(identity.user_id, fresh.user_id) = people.user_id
),

steps as (
    select
        entries.entry_id,
        entries.journey,
        entries.journey_version,
        entries.user_id,
        entries.entity_key,
        entries.event_id,
        entries.entered_at,
        entries.time_zone,
        journey_steps.step,
        journey_steps.step_number,
        journey_steps.template,
        journey_steps.at_seconds,
        journeys.message_class,
        journeys.priority,
        journeys.on_unknown,
        journeys.expires_after_seconds,
        {{ add_seconds("entries.entered_at", "journey_steps.after_seconds") }} as ready_at
    from entries
    inner join {{ source("policy", "journeys") }} as journeys on entries.journey = journeys.journey
    inner join {{ source("policy", "journey_steps") }} as journey_steps on entries.journey = journey_steps.journey
),

clocks as (
    select
        *,
        {{ add_seconds(day_of(to_local("ready_at", "time_zone")), "at_seconds") }} as at_today,
        {{ add_seconds(day_of(to_local("ready_at", "time_zone")), "at_seconds + 86400") }} as at_tomorrow
    from steps
),

timed as (
    select
        *,
        case
            when at_seconds is null then ready_at
            when {{ from_local("at_today", "time_zone") }} >= ready_at then {{ from_local("at_today", "time_zone") }}
            else {{ from_local("at_tomorrow", "time_zone") }}
        end as due_at
    from clocks
)

select
    {{ uuid5("journey || '|' || step || '|' || user_id || '|' || coalesce(entity_key, '') || '|' || event_id") }}
        as candidate_id,
    entry_id,
    journey,
    journey_version,
    step,
    step_number,
    user_id,
    entity_key,
    event_id,
    entered_at,
    due_at,
    {{ add_seconds("due_at", "expires_after_seconds") }} as expires_at,
    template,
    message_class,
    priority,
    on_unknown
from timed
