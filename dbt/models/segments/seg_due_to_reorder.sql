{{ config(contract={"enforced": true}, tags=["hourly"]) }}

-- Their next order is expected within a week, or was within the last, from a rhythm of their own: two gaps or
-- more (pred_reorder).

select
    user_id,
    due_on,
    gap_days,
    last_ordered_on
from {{ ref("pred_reorder") }}
where
    order_days >= 3
    and due_on >= cast({{ ago(days=7) }} as date)
    and due_on <= cast({{ add_seconds(as_of(), 7 * 24 * 3600) }} as date)
