-- Every entry into a journey, also those that were turned away.
select
    entries.entry_id,
    entries.journey,
    entries.entity_key,
    entries.event_id,
    entries.entered_at,
    entries.status,
    entries.blocked_by_entry_id,
    blocker.entered_at as blocker_entered_at
from decisions.fct_entries as entries
left join decisions.fct_entries as blocker on entries.blocked_by_entry_id = blocker.entry_id
left join people.int_identity_map as identity on entries.user_id = identity.from_user_id
where coalesce(identity.user_id, entries.user_id) = $user_id
order by entries.entered_at, entries.journey
