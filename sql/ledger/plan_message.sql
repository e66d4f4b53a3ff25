-- A message planned before, or whose candidate has a message that may reach the person, is left alone:
-- then no row comes back. The first bytes stand, however a message planned again was rendered.
insert into messages (
    message_id, candidate_id, decision_id, journey, journey_version, step, message_class, channel, provider,
    user_id, entity_key, event_id, variant, priority, address, address_key, on_unknown, due_at, expires_at,
    planned_at, state_at, wake_at
) values (
    :message_id, :candidate_id, :decision_id, :journey, :journey_version, :step, :message_class, :channel,
    :provider, :user_id, :entity_key, :event_id, :variant, :priority, :address, :address_key, :on_unknown,
    :due_at, :expires_at, :now, :now, :due_at
)
on conflict do nothing
returning message_no
