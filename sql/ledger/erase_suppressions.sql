-- The mark in `erased` takes its place.
delete from suppressions
where address_key = :address_key
