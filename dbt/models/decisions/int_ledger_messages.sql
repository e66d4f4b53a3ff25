{{ config(materialized="view") }}

-- What the ledger knows of each message: where it stands and what the person did with it.
-- Older than 60 days no cap counts it and no step waits for it.

{% set columns = [
    "message_id", "candidate_id", "user_id", "entity_key", "event_id", "journey", "step", "message_class", "channel",
    "state", "reason", "planned_at", "moved_at", "address_key", "was_sent", "was_delivered", "was_opened", "was_clicked",
    "was_replied", "was_unknown",
] %}

with messages as (
    select {{ columns | join(", ") }} from {{ ref("int_ledger_news") }}
    union all
    select {{ columns | join(", ") }} from {{ ref("int_ledger_base") }} as base
    where not exists (select 1 from {{ ref("int_ledger_news") }} as news where base.message_id = news.message_id)
)

select
    *,
    -- A permanent failure ends a message; whatever was or may have been sent does not give its slot back.
    state in ('rejected', 'suppressed', 'failed_late')
    or (state in ('expired', 'cancelled') and was_unknown = 0) as is_failed
from messages
where moved_at >= {{ ago(days=60) }}
