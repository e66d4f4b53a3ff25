-- What the ledger says of every message, for holding it against the provider's own books.
select
    messages.message_id,
    messages.candidate_id,
    messages.event_id,
    messages.due_at,
    messages.state,
    min(case when attempts.outcome = 'accepted' then attempts.finished_at end) as accepted_at,
    max(case when revocations.outcome = 'taken_back' then 1 else 0 end) as was_taken_back
from messages
left join attempts on messages.message_no = attempts.message_no
left join revocations on messages.message_no = revocations.message_no
group by messages.message_no;
