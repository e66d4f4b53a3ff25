-- What the ledger says of every message, for holding it against the provider's own books.
select
    messages.message_id,
    messages.candidate_id,
    messages.event_id,
    messages.due_at,
    messages.state,
    min(case when attempts.outcome = 'accepted' then attempts.finished_at end) as accepted_at
from messages
left join attempts on messages.message_no = attempts.message_no
group by messages.message_no;
