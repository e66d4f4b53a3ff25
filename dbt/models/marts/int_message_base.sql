{{ config(materialized="incremental", incremental_strategy="renew") }}

-- What had become of each message up to a row of the ledger's journal (`read_to_seq`), so that a tick puts together
-- only the messages that something happened to since. It is renewed from itself and from that, once much has happened.

{% set read_to_seq = journal_read_to(this) if is_incremental() else 0 %}
{% if is_incremental() and not is_much_told(read_to_seq) %}

select * from {{ this }}
where 1 = 0

{% else %}

with {{ told_of_messages(read_to_seq) }},

{{ progress_of("journal", "decisions", this if is_incremental()) }}

select
    *,
    (select max(seq) from {{ source("raw", "ledger_journal") }} where copied_at <= {{ as_of() }}) as read_to_seq
from messages
where planned_at >= {{ kpis_since() }}

{% endif %}
