-- What a lost ledger had taken back was asked for there: only so may what was sent be cancelled.
insert into revocations (message_no, provider, reason, started_at, finished_at, outcome)
select message_no, provider, coalesce(cast(:reason as text), 'restored'), :at, :at, 'taken_back'
from messages
where message_no = :message_no and state in ('accepted', 'sent')
on conflict (message_no) do update set finished_at = excluded.finished_at, outcome = 'taken_back', wake_at = null
