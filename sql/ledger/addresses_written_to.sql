-- Every address that one person was written to at. An endpoint of ours knows people by their id, which is no address.
select distinct address_key from messages
where user_id = :user_id and address_key <> :user_id
order by address_key
