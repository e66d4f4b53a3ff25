-- Nobody opted out of, bounced off or complained about the person's address on a channel.
delete from landed.ledger_journal
where
    kind = 'suppression'
    and address_key in (
        select address_key from landed.addresses
        where user_id = $user_id and channel = $name
    )
