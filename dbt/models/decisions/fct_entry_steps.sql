{{ config(materialized="incremental", incremental_strategy="append", contract={"enforced": true}) }}

-- What each entry is owed and when. A due time is computed once, here, and stored: a later change
-- of the journey's YAML moves no timer that already runs. Durations are elapsed time.

with entries as (
    select * from {{ ref("fct_entries") }}
    where status = 'entered'
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
        journey_steps.step,
        journey_steps.step_number,
        journey_steps.template,
        journeys.message_class,
        journeys.priority,
        journeys.on_unknown,
        {{ add_seconds("entries.entered_at", "journey_steps.after_seconds") }} as due_at,
        {{ add_seconds("entries.entered_at", "journey_steps.after_seconds + journeys.expires_after_seconds") }}
            as expires_at,
        {{ uuid5(
            "entries.journey || '|' || journey_steps.step || '|' || entries.user_id || '|'"
            ~ " || coalesce(entries.entity_key, '') || '|' || entries.event_id"
        ) }} as candidate_id
    from entries
    inner join {{ source("policy", "journeys") }} as journeys on entries.journey = journeys.journey
    inner join {{ source("policy", "journey_steps") }} as journey_steps on entries.journey = journey_steps.journey
    {% if is_incremental() %}
    -- Against what is stored, not against what this run brought: a crash between the two models heals.
    left join (select distinct entry_id from {{ this }}) as stored on entries.entry_id = stored.entry_id
    where stored.entry_id is null
    {% endif %}
)

select
    candidate_id,
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
    expires_at,
    template,
    message_class,
    priority,
    on_unknown
from steps
