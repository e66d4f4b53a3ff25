-- What came since the last moment.
insert into raw.{table}
select * from landed.{table}
where {landed_at} > $since and {landed_at} <= $until
