-- What the journal says whoever decides: what became of earlier messages, who must not be written to, and which
-- routes were blocked.
create table landed.ledger_journal as
select * from source.raw.ledger_journal
where
    copied_at <= $until
    and (
        kind = 'route'
        or (kind = 'suppression' and address_key in (select address_key from landed.addresses))
        or (
            kind not in ('route', 'suppression')
            and user_id in (select given_id from landed.ids)
            and message_id not in (select message_id from landed.recorded)
        )
    )
order by copied_at
