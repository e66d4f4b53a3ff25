{{ config(materialized="view", contract={"enforced": true}) }}

-- What became of each message: one row a message the ledger knows, from its journal.
-- What a machine did (a scanner that follows links, a proxy that loads images) is kept apart.

{% set columns = message_facts() + [
    "message_id", "decided_at", "planned_at", "state", "reason", "failed_at",
] + message_moments() | list %}

with messages as (
    select {{ columns | join(", ") }} from {{ ref("int_message_news") }}
    union all
    select {{ columns | join(", ") }} from {{ ref("int_message_base") }} as base
    where not exists (select 1 from {{ ref("int_message_news") }} as news where base.message_id = news.message_id)
)

select
    message_id,
    candidate_id,
    decision_id,
    journey,
    journey_version,
    step,
    message_class,
    channel,
    variant,
    user_id,
    entity_key,
    event_id,
    decided_at,
    planned_at,
    accepted_at,
    sent_at,
    delivered_at,
    read_at,
    case when state in ('rejected', 'suppressed', 'failed_late') then failed_at end as failed_at,
    state,
    nullif(reason, '') as reason,
    opened_at,
    clicked_at,
    machine_opened_at,
    machine_clicked_at,
    replied_at,
    bounced_at is not null as is_bounced,
    complained_at is not null as is_complained,
    unsubscribed_at is not null as is_unsubscribed
from messages
where planned_at >= {{ kpis_since() }}
