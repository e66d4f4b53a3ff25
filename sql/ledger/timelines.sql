-- Each restoring, with when the last thing was written that the backup knew.
select
    timelines.first_seq,
    timelines.last_seq,
    timelines.restored_at,
    (select journal.happened_at from journal where journal.seq = timelines.last_seq) as known_until
from timelines
order by timelines.first_seq
