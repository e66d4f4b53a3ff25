select
    started_at,
    reason,
    attempts,
    finished_at,
    outcome,
    answer
from revocations
where message_no = :message_no
