-- Whoever was written to at an address.
select distinct user_id from messages
where address_key = :address_key
order by user_id
