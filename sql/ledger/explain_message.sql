-- What became of one message: where it stands, through whom, and every move on the way.
select
    messages.state,
    messages.provider,
    messages.reason,
    messages.attempts,
    journal.happened_at,
    journal.kind,
    journal.to_state,
    journal.is_machine,
    journal.reason as move_reason
from messages
inner join journal on messages.message_no = journal.message_no
where messages.message_id = :message_id
order by journal.seq;
