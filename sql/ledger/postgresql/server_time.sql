-- Seconds since 1970 by the server's clock.
select cast(extract(epoch from clock_timestamp()) as double precision)
