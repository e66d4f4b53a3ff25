-- The ticks that ran from $first on, until all steps in question were settled: the first after $until is the last.
-- A run of dbt by hand is no tick, but it decides.
with ticks as (
    select as_of from source.raw.ticks
    where as_of >= $first
    union
    select decided_at from source.decisions.fct_decisions
    where decided_at >= $first
)

select as_of from ticks
where as_of <= coalesce((select min(as_of) from ticks where as_of > $until), $until)
order by as_of
