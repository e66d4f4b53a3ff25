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

-- The address that the channel was chosen by, which spares a look at everybody's. What an earlier run decided and did
-- not get here has none.
chosen as (
    select
        decisions.message_id,
        decisions.user_id,
        decisions.channel,
        chosen.address
    from decisions
    left join {{ ref("int_chosen_channels") }} as chosen on decisions.message_id = chosen.message_id
),

addressed as (
    select
        message_id,
        user_id,
        address
    from chosen
    where address is not null
    union all
    select
        late.message_id,
        late.user_id,
        addresses.address
    from {{ ref("dim_addresses") }} as addresses
    inner join chosen as late on addresses.user_id = late.user_id and addresses.channel = late.channel
    where late.address is null
),

-- Apart from the decisions' other columns: a join that carries three columns costs a third of one that carries 24.
recipients as (
    select
        addressed.message_id,
        addressed.address,
        people.language,
        people.time_zone,
        {{ person_as_json("people") }} as person
    from addressed
    left join {{ ref("dim_people") }} as people on addressed.user_id = people.user_id
),

trigger_rows as (
    select
        rows.journey,
        rows.user_id,
        rows.entity,
        rows.payload
    from {{ ref("int_trigger_rows") }} as rows
    where
        rows.user_id in (select user_id from decisions)
        and not exists (
            select 1 from {{ ref("int_trigger_rows") }} as later
            where
                rows.journey = later.journey
                and rows.user_id = later.user_id
                and rows.entity = later.entity
                and (rows.triggered_at, rows.event_id) < (later.triggered_at, later.event_id)
        )
),

-- The trigger as it stands now, and as it stood at entry where it has moved on since the decision.
current_payloads as (
    select
        decisions.message_id,
        decisions.candidate_id,
        rows.payload
    from decisions
    left join trigger_rows as rows
        on
            decisions.journey = rows.journey
            and decisions.user_id = rows.user_id
            and coalesce(decisions.entity_key, '') = rows.entity
),

payloads as (
    select
        message_id,
        payload
    from current_payloads
    where payload is not null
    union all
    select
        missing.message_id,
        entries.payload
    from current_payloads as missing
    left join {{ ref("fct_entry_steps") }} as steps
        on missing.candidate_id = steps.candidate_id and steps.entered_at >= {{ entered_since }}
    left join {{ ref("fct_entries") }} as entries
        on steps.entry_id = entries.entry_id and entries.entered_at >= {{ entered_since }}
    where missing.payload is null
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
    recipients.address,
    recipients.language,
    recipients.time_zone,
    recipients.person,
    payloads.payload,
    decisions.due_at,
    decisions.expires_at,
    decisions.decided_at,
    decisions.on_unknown
from decisions
inner join recipients on decisions.message_id = recipients.message_id
inner join payloads on decisions.message_id = payloads.message_id
