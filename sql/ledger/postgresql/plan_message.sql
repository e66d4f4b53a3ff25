-- As for a file, but many at once (`:rows`, a JSON list): a statement for each would cost twice the time. A message
-- planned before, or whose candidate has a message that may reach the person, is left alone: then no row comes back.
insert into messages (
    message_id, candidate_id, decision_id, journey, journey_version, step, message_class, channel, provider,
    user_id, entity_key, event_id, variant, priority, address, address_key, on_unknown, due_at, expires_at,
    planned_at, state_at, wake_at
)
select
    message_id, candidate_id, decision_id, journey, journey_version, step, message_class, channel, provider,
    user_id, entity_key, event_id, variant, priority, address, address_key, on_unknown, due_at, expires_at,
    "now", "now", due_at
from json_to_recordset(cast(:rows as json)) as given (
    message_id text, candidate_id text, decision_id text, journey text, journey_version text, step text,
    message_class text, channel text, provider text, user_id text, entity_key text, event_id text, variant text,
    priority integer, address text, address_key text, on_unknown text, due_at text, expires_at text, "now" text
)
on conflict do nothing
returning message_id, message_no
