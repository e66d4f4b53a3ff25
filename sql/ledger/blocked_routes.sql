select provider, reason from routes
where is_blocked = 1
order by provider
