-- The last tick before $first, and those that ran from then on until all steps in question were settled: the first
-- after $until is the last. A run of dbt by hand is no tick, but it decides.
with ticks as (
    select as_of from source.raw.ticks
    union
    select decided_at from source.decisions.fct_decisions
)

select coalesce(max(as_of), timestamp '1900-01-01') as as_of from ticks
where as_of < $first
union all
select as_of from ticks
where as_of >= $first and as_of <= coalesce((select min(as_of) from ticks where as_of > $until), $until)
order by as_of
