-- Everything on record about one person's messages, with the bytes that every attempt sent.
select
    messages.message_no,
    messages.message_id,
    messages.candidate_id,
    messages.decision_id,
    messages.journey,
    messages.journey_version,
    messages.step,
    messages.message_class,
    messages.channel,
    messages.provider,
    messages.user_id,
    messages.entity_key,
    messages.event_id,
    messages.variant,
    messages.address,
    messages.due_at,
    messages.expires_at,
    messages.planned_at,
    messages.state,
    messages.state_at,
    messages.reason,
    messages.provider_message_id,
    requests.method,
    requests.path,
    requests.headers,
    requests.body
from messages
left join requests on messages.message_no = requests.message_no
where messages.user_id = :user_id
order by messages.message_no
