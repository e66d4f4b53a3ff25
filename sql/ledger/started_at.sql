-- When a switch was turned back on by hand.
select changed_at from switches
where scope = :scope and name = :name and is_stopped = 0
