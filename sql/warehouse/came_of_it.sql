-- Since the beginning: messages that reached somebody, and goals that were reached after a message.
select
    (select count(*) from marts.fct_messages where delivered_at is not null) as delivered,
    (select count(*) from marts.fct_conversions where message_id is not null) as converted
