-- Other hours for one rule; none: no rule.
delete from policy.quiet_hours
where rule_id = $name and cast($value as text) is null;

update policy.quiet_hours set
    quiet_from = split_part($value, '-', 1),
    quiet_until = split_part($value, '-', 2)
where rule_id = $name
