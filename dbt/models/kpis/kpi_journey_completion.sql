{{ config(materialized="table", contract={"enforced": true}) }}

-- Entries that a message reached, of all that entered. An entry may be reached by two steps, so the
-- whole journey has a row of its own (step and channel null); the rows of its steps do not add up to it.

with entries as (
    select
        entry_id,
        journey,
        {{ day_of("entered_at") }} as window_start
    from {{ ref("fct_entries") }}
    where status = 'entered' and entered_at >= {{ kpis_since() }}
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
        count(*) as entries
    from entries
    group by window_start, journey
),

reached_by_step as (
    select
        entries.window_start,
        entries.journey,
        reached.step,
        reached.channel,
        count(distinct entries.entry_id) as entries
    from entries
    inner join reached on entries.entry_id = reached.entry_id
    group by
        grouping sets (
            (entries.window_start, entries.journey, reached.step, reached.channel),
            (entries.window_start, entries.journey)
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
            and coalesce(places.step, '') = coalesce(reached_by_step.step, '')
            and coalesce(places.channel, '') = coalesce(reached_by_step.channel, '')
)

select
    window_start,
    journey,
    step,
    channel,
    cast(null as {{ dbt.type_string() }}) as variant,
    cast(numerator as double) / nullif(denominator, 0) as value,
    cast(numerator as double) as numerator,
    cast(denominator as double) as denominator
from cells
