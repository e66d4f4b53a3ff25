-- The files that landed since, under the names they landed by.
select distinct path from raw.manifest
where landed_at >= $since
