-- The messages that something happened to since int_ledger_base was renewed, as the ledger knows them now.

{% set read_to_seq = journal_read_to(ref("int_ledger_base")) %}

with journal as (
    select * from {{ source("raw", "ledger_journal") }}
    where seq > {{ read_to_seq }} and message_id is not null and happened_at >= {{ ago(days=60) }}
),

known as (
    select * from {{ ref("int_ledger_base") }}
    where message_id in (select message_id from journal)
),

{{ messages_of("journal", "known") }}

select * from messages
