-- The held messages that a rule is about; an empty text is every one.
select message_id
from messages
where
    state = 'held'
    and :journey in ('', journey)
    and :provider in ('', provider)
    and :reason in ('', reason)
order by message_no
