-- Whose message it is, and when its provider took it: a click right after that is no person's.
select
    messages.message_id,
    messages.user_id,
    messages.channel,
    (
        select max(coalesce(attempts.finished_at, attempts.started_at))
        from attempts
        where attempts.message_no = messages.message_no
    ) as sent_at
from messages
where messages.message_id = :message_id
