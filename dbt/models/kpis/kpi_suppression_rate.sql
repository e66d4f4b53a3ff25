{{ config(materialized="table", contract={"enforced": true}) }}

-- Of the steps that were decided, those that were not sent, by reason: the last word on each step.
-- A step on hold is not decided yet. The row without a reason is the cell as a whole; its denominator
-- is the one to sum.

with decided as (
    select
        *,
        row_number() over (partition by candidate_id order by decision_number desc) as recency
    from {{ ref("fct_decisions") }}
    where decided_at >= {{ kpis_since() }}
),

settled as (
    select
        *,
        {{ day_of("decided_at") }} as window_start
    from decided
    where recency = 1 and outcome in ('send', 'suppress')
),

-- Every decision has a reason, so that one without stands for all of them.
counted as (
    select
        window_start,
        journey,
        step,
        channel,
        variant,
        reason,
        count(case when outcome = 'suppress' then candidate_id end) as suppressed,
        count(*) as decisions
    from settled
    group by
        grouping sets (
            (window_start, journey, step, channel, variant, reason),
            (window_start, journey, step, channel, variant)
        )
),

cells as (
    select
        *,
        max(decisions) over (partition by window_start, journey, step, channel, variant) as denominator
    from counted
)

select
    window_start,
    journey,
    step,
    channel,
    variant,
    reason,
    cast(suppressed as double) / nullif(denominator, 0) as value,
    cast(suppressed as double) as numerator,
    cast(denominator as double) as denominator
from cells
where reason is null or suppressed > 0
