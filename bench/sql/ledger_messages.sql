-- `count` messages that are over, with a row of the journal for each. Ids in rising order: what is measured is the
-- ledger, not how long a random key takes to find its page while it is filled. Without the triggers, which would
-- have each message planned first and moved five times; the next who opens the ledger puts them back.
drop trigger starts_planned;

drop trigger journal_planned;

insert into messages (
    message_id, candidate_id, decision_id, journey, journey_version, step, message_class, channel, provider,
    user_id, event_id, priority, address, address_key, on_unknown, due_at, expires_at, planned_at, state, state_at,
    provider_message_id
)
with recursive numbers (n) as (
    select 1
    union all
    select n + 1 from numbers
    where n < :count
)

select
    printf('%08x-0000-5000-8000-000000000000', n), printf('%08x-0000-5000-8000-000000000001', n), 'decision',
    'cart_abandoned', '1', 'reminder', 'marketing', 'email', 'sendgrid', 'u' || n % 1000000, 'e' || n, 50,
    'u' || n % 1000000 || '@example.com', 'u' || n % 1000000 || '@example.com', 'hold', '2026-01-01T00:00:00.000000',
    '2026-01-02T00:00:00.000000', '2026-01-01T00:00:00.000000', 'delivered', '2026-01-01T00:00:00.000000', 'p' || n
from numbers;

insert into journal (happened_at, kind, message_no, to_state)
select state_at, 'state', message_no, state
from messages
