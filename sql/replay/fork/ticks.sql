-- The ticks that ran from $first on, until all steps in question were settled: the first after $until is the last.
select distinct as_of
from source.raw.ticks
where as_of >= $first and as_of <= coalesce((select min(as_of) from source.raw.ticks where as_of > $until), $until)
order by as_of
