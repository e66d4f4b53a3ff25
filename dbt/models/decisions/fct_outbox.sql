{{ config(materialized="incremental", incremental_strategy="append", contract={"enforced": true}) }}

-- What to send: every `send` that has no row here yet, with the address, the template and its data.
-- Drawn from what was decided, not from this run, so that a crash between the two models heals.

with decisions as (
    select decisions.*
    from {{ ref("fct_decisions") }} as decisions
    {% if is_incremental() %}
    left join {{ this }} as stored on decisions.message_id = stored.message_id
    where decisions.outcome = 'send' and stored.message_id is null
    {% else %}
    where decisions.outcome = 'send'
    {% endif %}
),

trigger_rows as (
    select
        journey,
        user_id,
        entity,
        payload,
        row_number() over (
            partition by journey, user_id, entity order by triggered_at desc, event_id desc
        ) as recency
    from {{ ref("int_trigger_rows") }}
)

select
    decisions.message_id,
    decisions.candidate_id,
    decisions.decision_id,
    decisions.journey,
    decisions.journey_version,
    decisions.step,
    decisions.message_class,
    decisions.channel,
    decisions.user_id,
    decisions.entity_key,
    decisions.event_id,
    decisions.variant,
    decisions.priority,
    decisions.template,
    addresses.address,
    people.language,
    people.time_zone,
    {{ person_as_json("people") }} as person,
    -- The trigger as it stands now; as it stood at entry where it has moved on since the decision.
    coalesce(rows.payload, entries.payload) as payload,
    decisions.due_at,
    decisions.expires_at,
    decisions.decided_at,
    decisions.on_unknown
from decisions
inner join {{ ref("dim_addresses") }} as addresses
    on decisions.user_id = addresses.user_id and decisions.channel = addresses.channel
left join {{ ref("dim_people") }} as people on decisions.user_id = people.user_id
left join {{ ref("fct_entry_steps") }} as steps on decisions.candidate_id = steps.candidate_id
left join {{ ref("fct_entries") }} as entries on steps.entry_id = entries.entry_id
left join trigger_rows as rows
    on
        decisions.journey = rows.journey
        and decisions.user_id = rows.user_id
        and coalesce(decisions.entity_key, '') = rows.entity
        and rows.recency = 1
