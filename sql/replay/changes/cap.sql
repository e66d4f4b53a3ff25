-- Another number of messages for one cap, or for all caps of a class, channel or journey; none: no cap.
delete from policy.frequency_caps
where $name in (cap_id, scope_value) and cast($value as bigint) is null;

update policy.frequency_caps set max_messages = cast($value as bigint)
where $name in (cap_id, scope_value)
