select 1 from erased
limit 1
