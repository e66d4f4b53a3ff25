{{ config(materialized="incremental", incremental_strategy="append", contract={"enforced": true}) }}

-- What to send: every `send` that has no row here yet, with the address, the template and its data.
-- Drawn from what was decided, not from this run, so that a crash between the two models heals.

-- What was decided before the newest row here has its row.

{% set decided_since = seen_until(this, "decided_at") if is_incremental() else beginning_of_time() %}
{% set is_news = "outcome = 'send' and decided_at >= " ~ decided_since %}
{% set entered_since = earliest(ref("fct_decisions"), "entered_at", is_news) %}

with decisions as (
    select decisions.*
    from {{ ref("fct_decisions") }} as decisions
    {% if is_incremental() %}
    left join (
        select message_id from {{ this }}
        where decided_at >= {{ earliest(ref("fct_decisions"), "due_at", is_news) }}
    ) as stored on decisions.message_id = stored.message_id
    where decisions.outcome = 'send' and decisions.decided_at >= {{ decided_since }} and stored.message_id is null
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
    where user_id in (select user_id from decisions)
),

-- The step's entry, as it stood then.
entered as (
    select
        steps.candidate_id,
        entries.payload
    from {{ ref("fct_entry_steps") }} as steps
    inner join {{ ref("fct_entries") }} as entries on steps.entry_id = entries.entry_id
    where
        steps.entered_at >= {{ entered_since }}
        and entries.entered_at >= {{ entered_since }}
        and steps.candidate_id in (select candidate_id from decisions)
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
    coalesce(rows.payload, entered.payload) as payload,
    decisions.due_at,
    decisions.expires_at,
    decisions.decided_at,
    decisions.on_unknown
from decisions
inner join {{ ref("dim_addresses") }} as addresses
    on decisions.user_id = addresses.user_id and decisions.channel = addresses.channel
left join {{ ref("dim_people") }} as people on decisions.user_id = people.user_id
left join entered on decisions.candidate_id = entered.candidate_id
left join trigger_rows as rows
    on
        decisions.journey = rows.journey
        and decisions.user_id = rows.user_id
        and coalesce(decisions.entity_key, '') = rows.entity
        and rows.recency = 1
