{{ config(materialized="table", contract={"enforced": true}) }}

-- Entries that a message reached, of all that entered. An entry may be reached by two steps, so the
-- whole journey has a row of its own (step and channel null); the rows of its steps do not add up to it.

-- The variant is drawn when the first step is due, for whoever is not reached as well.
with drawn as (
    select
        steps.entry_id,
        max_by(decisions.variant, decisions.decided_at) as variant
    from {{ ref("fct_decisions") }} as decisions
    inner join {{ ref("fct_entry_steps") }} as steps on decisions.candidate_id = steps.candidate_id
    where decisions.variant is not null and decisions.decided_at >= {{ kpis_since() }}
    group by steps.entry_id
),

entries as (
    select
        entries.entry_id,
        entries.journey,
        drawn.variant,
        {{ day_of("entries.entered_at") }} as window_start
    from {{ ref("fct_entries") }} as entries
    left join drawn on entries.entry_id = drawn.entry_id
    where entries.status = 'entered' and entries.entered_at >= {{ kpis_since() }}
),

reached as (
    select
        steps.entry_id,
        messages.step,
        messages.channel
    from {{ ref("fct_messages") }} as messages
    inner join {{ ref("fct_entry_steps") }} as steps on messages.candidate_id = steps.candidate_id
    where messages.delivered_at is not null
),

entered as (
    select
        window_start,
        journey,
        variant,
        count(*) as entries
    from entries
    group by window_start, journey, variant
),

reached_by_step as (
    select
        entries.window_start,
        entries.journey,
        entries.variant,
        reached.step,
        reached.channel,
        count(distinct entries.entry_id) as entries
    from entries
    inner join reached on entries.entry_id = reached.entry_id
    group by
        grouping sets (
            (entries.window_start, entries.journey, entries.variant, reached.step, reached.channel),
            (entries.window_start, entries.journey, entries.variant)
        )
),

-- A step that reached nobody on a day is a 0, not a gap.
places as (
    select journey, step, channel from {{ source("policy", "step_channels") }}
    union
    select journey, step, channel from reached_by_step
    union
    select journey, null as step, null as channel from entered
),

cells as (
    select
        entered.window_start,
        entered.journey,
        entered.variant,
        places.step,
        places.channel,
        coalesce(reached_by_step.entries, 0) as numerator,
        entered.entries as denominator
    from entered
    inner join places on entered.journey = places.journey
    left join reached_by_step
        on
            entered.window_start = reached_by_step.window_start
            and entered.journey = reached_by_step.journey
            and coalesce(entered.variant, '') = coalesce(reached_by_step.variant, '')
            and coalesce(places.step, '') = coalesce(reached_by_step.step, '')
            and coalesce(places.channel, '') = coalesce(reached_by_step.channel, '')
)

select
    window_start,
    journey,
    step,
    channel,
    variant,
    cast(numerator as double) / nullif(denominator, 0) as value,
    cast(numerator as double) as numerator,
    cast(denominator as double) as denominator
from cells
