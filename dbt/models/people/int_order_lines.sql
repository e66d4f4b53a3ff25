{{ config(materialized="incremental", incremental_strategy="append", post_hook="{{ mark_as_read() }}") }}

-- What each order holds, by the event that reported it: lines inside the event, and lines that landed in a
-- table of their own. A line counts as it first came.

with orders as (
    select
        event_id,
        visible_at,
        {{ json_or_null(json_text("properties", "$.products")) }} as products
    from {{ ref("int_events") }}
    where
        event_name = 'order_completed'
        {% if is_incremental() %}
        and visible_at >= {{ read_until(this) }}
        {% endif %}
),

items as (
    select
        event_id,
        visible_at,
        {{ json_items("products") }}
    from orders
),

lines as (
    select
        event_id || '#' || (position + 1) as line_id,
        event_id,
        position + 1 as position,
        item as line,
        visible_at
    from items
    union all
    select
        'shopify:' || line_id as line_id,
        event_id,
        position,
        line,
        visible_at
    from {{ ref("stg_shopify__order_lines") }}
    where
        visible_at <= {{ as_of() }}
        {% if is_incremental() %}
        and visible_at >= {{ read_until(this) }}
        {% endif %}
),

numbered as (
    select
        lines.*,
        row_number() over (partition by lines.line_id order by lines.visible_at, lines.line) as turn
    from lines
    {% if is_incremental() %}
    left join {{ this }} as known on lines.line_id = known.line_id
    where known.line_id is null
    {% endif %}
)

select
    line_id,
    event_id,
    position,
    coalesce({{ json_text("line", "$.product_id") }}, {{ json_text("line", "$.id") }}) as product_id,
    {{ item_name("line") }} as name,
    case
        when {{ json_number("line", "$.quantity") }} between 0 and 1000000
            then cast({{ json_number("line", "$.quantity") }} as integer)
        else 1
    end as quantity,
    {{ json_number("line", "$.price") }} as price,
    {{ json_text("line", "$.image_url") }} as image_url,
    visible_at
from numbered
where turn = 1
