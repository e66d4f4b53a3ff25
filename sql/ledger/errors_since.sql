-- What did not go as it should since a row of the journal, by provider: how often, and one message to look at.
select
    messages.provider,
    journal.to_state,
    coalesce(journal.reason, '') as reason,
    count(*) as moves,
    max(messages.message_id) as message_id
from journal
inner join messages on journal.message_no = messages.message_no
where
    journal.seq > :seq
    and journal.kind = 'state'
    and journal.to_state in (
        'retry_wait', 'unknown', 'rejected', 'suppressed', 'route_blocked', 'held', 'failed_late', 'expired'
    )
group by messages.provider, journal.to_state, coalesce(journal.reason, '')
order by messages.provider, journal.to_state, coalesce(journal.reason, '')
