delete from refusals
where user_id = :user_id
