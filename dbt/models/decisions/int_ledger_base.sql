{{ config(materialized="incremental", incremental_strategy="renew") }}

-- What the ledger knew of each message of the last 60 days up to a row of its journal (`read_to_seq`), so that a tick
-- puts together only the messages that something happened to since. It is renewed from itself and from that, once
-- much has happened.

{% set read_to_seq = journal_read_to(this) if is_incremental() else 0 %}
{% if is_incremental() and not is_much_told(read_to_seq) %}

select * from {{ this }}
where 1 = 0

{% else %}

with journal as (
    select * from {{ source("raw", "ledger_journal") }}
    where seq > {{ read_to_seq }} and message_id is not null and happened_at >= {{ ago(days=60) }}
),

{{ messages_of("journal", this if is_incremental()) }}

select
    *,
    (select max(seq) from {{ source("raw", "ledger_journal") }}) as read_to_seq
from messages
where moved_at >= {{ ago(days=60) }}
-- Who asks for the messages of the last days opens their part of the table, not all of it.
order by planned_at

{% endif %}
