{{ config(
    materialized="incremental", incremental_strategy="append", post_hook="{{ mark_as_read() }}"
) }}

-- Events that somebody looks back at over months (macro kept_events), apart from the many others: a year of orders
-- is read without reading a year of looks. Whom one belongs to is asked when it is read, as for all events.

with kept as (
    select
        event_id,
        event_name,
        given_id,
        occurred_at,
        visible_at,
        cart_id,
        order_id,
        product_id,
        revenue,
        currency,
        properties
    from {{ ref("int_events") }}
    where
        event_name in {{ as_text_list(kept_events()) }}
        {% if is_incremental() %}
        and visible_at >= {{ read_until(this) }}
        {% endif %}
)

select kept.*
from kept
{% if is_incremental() %}
left join (
    select event_id from {{ this }}
    where visible_at >= {{ read_until(this) }}
) as known on kept.event_id = known.event_id
where known.event_id is null
{% endif %}
