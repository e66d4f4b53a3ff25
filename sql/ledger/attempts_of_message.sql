select
    attempt_id,
    started_at,
    finished_at,
    outcome,
    reason,
    provider_message_id,
    raw
from attempts
where message_no = :message_no
order by attempt_id
