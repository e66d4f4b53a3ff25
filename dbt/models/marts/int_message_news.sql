{{ config(meta={"is_written_every_tick": true}) }}

-- The messages that something happened to since int_message_base was renewed, as they stand now.

{% set read_to_seq = journal_read_to(ref("int_message_base")) %}

with {{ told_of_messages(read_to_seq) }},

known as (
    select * from {{ ref("int_message_base") }}
    where message_id in (select message_id from journal)
),

{{ progress_of("journal", "decisions", "known") }}

select * from messages
