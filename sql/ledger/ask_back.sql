-- Only what its provider still holds and can take back (`:providers`, a JSON list). Asked once: an answer is an answer.
insert into revocations (message_no, provider, reason, started_at, wake_at)
select message_no, provider, :reason, :now, :now
from messages
where
    message_id = :message_id and state in ('accepted', 'sent') and expires_at > :now and address <> ''
    and provider in (select value from json_each(cast(:providers as text)))
on conflict do nothing
