-- All that a batch will move, locked in one order whatever became of each: two who record then never wait for each
-- other's rows.
select message_no
from messages
where message_no in (select cast(value as bigint) from json_each(cast(:message_nos as text)))
order by message_no
/* postgresql: for update */
