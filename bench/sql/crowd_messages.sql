-- Messages $first to $last of $messages, sent evenly over the last 400 days: their entries, steps, decisions, outbox rows
-- and what the ledger told of each (planned, accepted, delivered; one in ten was clicked).
create or replace temp table sent as
select
    n,
    'u' || (hash(n) % $people) as user_id,
    case n % 4 when 0 then 'price_dropped' when 1 then 'back_in_stock' when 2 then 'browse_abandoned' else 'welcome' end
        as journey,
    'P' || (hash(n, 1) % 5000) as entity_key,
    md5('event' || n) as event_id,
    cast(cast(md5('entry' || n) as uuid) as varchar) as entry_id,
    cast(cast(md5('candidate' || n) as uuid) as varchar) as candidate_id,
    cast(cast(md5('decision' || n) as uuid) as varchar) as decision_id,
    cast(cast(md5('message' || n) as uuid) as varchar) as message_id,
    'u' || (hash(n) % $people) || '@example.com' as address_key,
    cast($as_of as timestamp) - interval 2 hour - to_microseconds(($messages - n) * (400 * 86400000000 // $messages)) as sent_at
from range($first, $last) as messages (n);

insert into decisions.fct_entries by name
select
    entry_id, journey, 'bench' as journey_version, user_id, entity_key, event_id, sent_at as entered_at, sent_at as recorded_at,
    'entered' as status, '{"product_id":"' || entity_key || '","product_name":"Product of the bench"}' as payload
from sent order by n;

insert into decisions.fct_entry_steps by name
select
    candidate_id, entry_id, journey, 'bench' as journey_version, 'only' as step, 1 as step_number, user_id, entity_key, event_id,
    sent_at as entered_at, sent_at as due_at, sent_at + interval 6 hour as expires_at, 'bench' as template,
    'marketing' as message_class, 50 as priority, 'hold' as on_unknown
from sent order by n;

insert into decisions.fct_decisions by name
select
    decision_id, candidate_id, 1 as decision_number, journey, 'bench' as journey_version, 'only' as step, 1 as step_number,
    user_id, entity_key, event_id, sent_at as entered_at, sent_at as due_at, sent_at as decided_at, 'send' as outcome, 'due' as reason,
    '[]' as gates, 'email' as channel, false as is_holdout, true as is_exposed, 50 as priority,
    sent_at + interval 6 hour as expires_at, 'bench' as template, 'marketing' as message_class, message_id, 'hold' as on_unknown
from sent order by n;

insert into decisions.fct_outbox by name
select
    message_id, candidate_id, decision_id, journey, 'bench' as journey_version, 'only' as step, 'marketing' as message_class,
    'email' as channel, user_id, entity_key, event_id, 50 as priority, 'bench' as template, address_key as address,
    'Europe/London' as time_zone, '{"first_name":"' || user_id || '"}' as person,
    '{"product_id":"' || entity_key || '","product_name":"Product of the bench"}' as payload, sent_at as due_at,
    sent_at + interval 6 hour as expires_at, sent_at as decided_at, 'hold' as on_unknown
from sent order by n;

insert into raw.ledger_journal by name
select
    sent.n * 4 + moves.turn as seq, sent.sent_at + to_seconds(moves.turn * 20) as happened_at, moves.kind, sent.message_id,
    moves.from_state, moves.to_state, false as is_machine, sent.candidate_id, sent.decision_id, sent.journey,
    'bench' as journey_version, 'only' as step, 'marketing' as message_class, 'email' as channel, 'sendgrid' as provider,
    sent.user_id, sent.entity_key, sent.event_id, sent.address_key, sent.sent_at + to_seconds(moves.turn * 20) as copied_at
from sent
cross join (values
    (1, 'state', null, 'planned'), (2, 'state', 'planned', 'accepted'), (3, 'state', 'accepted', 'delivered'),
    (4, 'engagement', null, 'clicked')
) as moves (turn, kind, from_state, to_state)
where moves.turn < 4 or sent.n % 10 = 0
order by seq;
