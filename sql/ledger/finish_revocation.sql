update revocations set finished_at = :now, outcome = :outcome, answer = coalesce(:answer, answer), wake_at = null
where message_no = :message_no and finished_at is null
