-- A load time in the future would hide everything that is loaded until then.
insert into raw.watermarks
select $1 as feed, least(max(cast({loaded_at} as timestamp)), getvariable('judged_at')) as loaded_at
from {table}
having count({loaded_at}) > 0
on conflict (feed) do update set loaded_at = greatest(excluded.loaded_at, watermarks.loaded_at)
