{{ config(contract={"enforced": true}) }}

-- When each customer is likely to order next: their own median gap between orders, drawn towards everybody's by
-- the weight of three gaps. Who ordered once has everybody's gap; orders of one day are one.

with order_days as (
    select distinct
        user_id,
        cast(occurred_at as date) as ordered_on
    from {{ ref("fct_events") }}
    where event_name = 'order_completed' and occurred_at >= {{ ago(days=730) }} and occurred_at <= {{ as_of() }}
),

gaps as (
    select
        user_id,
        ordered_on,
        {{ dbt.datediff("before_on", "ordered_on", "day") }} as gap
    from (
        select
            *,
            lag(ordered_on) over (partition by user_id order by ordered_on) as before_on
        from order_days
    ) as days
),

rhythms as (
    select
        user_id,
        count(*) as order_days,
        count(gap) as gaps,
        {{ percentile("gap", 0.5) }} as own_gap,
        max(ordered_on) as last_ordered_on
    from gaps
    group by user_id
),

everybody as (
    select {{ percentile("own_gap", 0.5) }} as usual_gap
    from rhythms
    where gaps > 0
),

expected as (
    select
        rhythms.*,
        (rhythms.gaps * coalesce(rhythms.own_gap, 0) + 3 * everybody.usual_gap) / (rhythms.gaps + 3) as gap_days
    from rhythms
    cross join everybody
    where everybody.usual_gap is not null
),

dated as (
    select
        *,
        cast({{ dbt.dateadd("day", "cast(round(gap_days) as integer)", "last_ordered_on") }} as date) as due_on
    from expected
)

select
    user_id,
    cast(order_days as bigint) as order_days,
    last_ordered_on,
    cast(gap_days as double) as gap_days,
    due_on,
    -- Who is overdue did not order up to now: the next moment they can is today.
    greatest(due_on, cast({{ as_of() }} as date)) as expected_on,
    {{ as_of() }} as predicted_at
from dated
