insert into given_messages (
    message_id, candidate_id, decision_id, journey, journey_version, step, message_class, channel, provider,
    user_id, entity_key, event_id, variant, priority, address, address_key, on_unknown, due_at, expires_at,
    planned_at
) values (
    :message_id, :candidate_id, :decision_id, :journey, :journey_version, :step, :message_class, :channel,
    :provider, :user_id, :entity_key, :event_id, :variant, :priority, :address, :address_key, :on_unknown,
    :due_at, :expires_at, :now
)
