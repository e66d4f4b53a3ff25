{{ config(
    materialized="incremental", incremental_strategy="append", post_hook="{{ mark_as_read() }}"
) }}

-- Every report of an order, of a refund or a cancellation, apart from the many other events: whose orders are
-- counted again need not look through all that anybody ever did.

with reports as (
    select
        event_id,
        event_name,
        given_id,
        coalesce(order_id, event_id) as order_id,
        revenue,
        occurred_at,
        visible_at
    from {{ ref("int_events") }}
    where
        event_name in ('order_completed', 'order_refunded', 'order_cancelled')
        {% if is_incremental() %}
        and visible_at >= {{ read_until(this) }}
        {% endif %}
)

select reports.*
from reports
{% if is_incremental() %}
left join (
    select event_id from {{ this }}
    where visible_at >= {{ read_until(this) }}
) as known on reports.event_id = known.event_id
where known.event_id is null
{% endif %}
