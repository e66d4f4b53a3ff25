-- What a plan is given, of this connection alone and never on the disk; `plan_message` takes all of it at once.
create temp table if not exists given_messages (
    message_id text,
    candidate_id text,
    decision_id text,
    journey text,
    journey_version text,
    step text,
    message_class text,
    channel text,
    provider text,
    user_id text,
    entity_key text,
    event_id text,
    variant text,
    priority integer,
    address text,
    address_key text,
    on_unknown text,
    due_at text,
    expires_at text,
    planned_at text
)
