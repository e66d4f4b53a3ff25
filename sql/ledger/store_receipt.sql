-- Each thing a provider said counts once. Whose it is may become known only later.
insert into receipts (
    provider, event_key, kind, occurred_at, received_at, message_id, provider_message_id, address_key, reason,
    is_machine, raw, message_no
) values (
    :provider, :event_key, :kind, :occurred_at, :now, :message_id, :provider_message_id, :address_key, :reason,
    :is_machine, :raw,
    coalesce(
        (select message_no from messages where message_id = :message_id),
        (select message_no from messages where provider_message_id = :provider_message_id and provider = :provider),
        :answered_no
    )
)
on conflict (provider, event_key) do nothing
returning receipt_no, message_no
