-- Steps whose person has left the journey, with the event that took them out: of the steps that are
-- due and of those whose message still waits in the ledger, or at a provider that takes it back.
-- An exit event counts for the entity it names; where it or the entry names none, for the person. Ids that
-- fct_events has no column for are properties of the event, under the name that the policy gives.

{% set waits = "state in ('planned', 'claimed', 'retry_wait', 'unknown')" %}
{# A message is planned while its step has not expired; the two months are for what the journal no longer shows. #}
{% set waits_since = add_seconds(earliest(ref("int_ledger_messages"), "planned_at", waits), -60 * 86400) %}
{% set is_waiting = "expires_at >= least(" ~ waits_since ~ ", " ~ as_of() ~ ") and candidate_id in ("
    ~ "select candidate_id from " ~ ref("int_ledger_messages") ~ " where " ~ waits ~ " or " ~ can_be_taken_back()
    ~ ")" %}
{% set entered_since = earliest(
    "(select entered_at from " ~ ref("int_candidates_this_run") ~ " union all select entered_at from "
    ~ ref("fct_entry_steps") ~ " where " ~ is_waiting ~ ") as steps", "entered_at"
) %}

with waiting as (
    select * from {{ ref("fct_entry_steps") }}
    where {{ is_waiting }}
),

candidates as (
    select
        candidate_id,
        journey,
        person_id,
        entity_key,
        event_id,
        entered_at
    from {{ ref("int_candidates_this_run") }}
    union all
    select
        steps.candidate_id,
        steps.journey,
        coalesce(identity.user_id, steps.user_id) as person_id,
        steps.entity_key,
        steps.event_id,
        steps.entered_at
    from waiting as steps
    left join {{ ref("int_identity_map") }} as identity on steps.user_id = identity.from_user_id
),

rules as (
    select * from {{ source("policy", "journey_exits") }}
),

events as (
    select
        event_id,
        event_name,
        user_id,
        occurred_at,
        cart_id,
        order_id,
        product_id,
        properties
    from {{ ref("fct_events") }}
    where
        occurred_at >= {{ entered_since }}
        and event_name in (select event_name from rules)
)

select
    candidates.candidate_id,
    min(events.event_id) as exit_event_id
from candidates
inner join rules on candidates.journey = rules.journey
inner join events
    on
        candidates.person_id = events.user_id
        and rules.event_name = events.event_name
        and candidates.entered_at <= events.occurred_at
        and candidates.event_id <> events.event_id
where {{ same_entity("candidates", "events", "rules") }}
group by candidates.candidate_id
