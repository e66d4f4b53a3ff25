-- Before a call: when it is made again should nobody write down what came of it. After one: when to try again.
update revocations set
    wake_at = :wake_at, attempts = attempts + :calls, answer = coalesce(:answer, answer)
where message_no = :message_no and finished_at is null
