{{ config(materialized="incremental", incremental_strategy="append", post_hook="{{ mark_as_read() }}") }}

-- When a route was blocked and when it was free again: a few rows among the journal's millions, read out once.

select
    seq,
    channel,
    to_state
from {{ source("raw", "ledger_journal") }}
where
    kind = 'route'
    {% if is_incremental() %}
    and copied_at >= {{ read_until(this) }}
    and seq > (select coalesce(max(seq), 0) from {{ this }})
    {% endif %}
