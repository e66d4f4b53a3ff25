select scope, name, reason from switches
where is_stopped = 1
order by scope, name
