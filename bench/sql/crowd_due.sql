-- $due people whose cart was left a little more than an hour ago: the trigger selects them, they have
-- entered, and the reminder falls due in this tick.
insert into triggers.trg_cart_abandoned by name
select
    'u' || n as user_id, 'c' || n as entity_key, md5('due' || n) as event_id,
    cast($as_of as timestamp) - interval 61 minute as triggered_at, 'c' || n as cart_id, 'https://shop.example/cart' as cart_url,
    '[{"product_id":"P1","name":"Mug","quantity":1,"price":9.5,"image_url":null,"stock":3}]' as items,
    1 as item_count, 9.5 as total, 'EUR' as currency, 'Mug' as first_item_name
from range($due) as people (n);

insert into decisions.fct_entries by name
select
    cast(cast(md5('due entry' || user_id) as uuid) as varchar) as entry_id, 'cart_abandoned' as journey, 'bench' as journey_version,
    user_id, entity_key, event_id, triggered_at as entered_at, triggered_at as recorded_at, 'entered' as status,
    cast(to_json(carts) as varchar) as payload
from triggers.trg_cart_abandoned as carts;

insert into decisions.fct_entry_steps by name
select
    cast(cast(md5('due step' || user_id) as uuid) as varchar) as candidate_id,
    cast(cast(md5('due entry' || user_id) as uuid) as varchar) as entry_id, 'cart_abandoned' as journey, 'bench' as journey_version,
    'reminder' as step, 1 as step_number, user_id, entity_key, event_id, triggered_at as entered_at,
    triggered_at + interval 1 hour as due_at, triggered_at + interval 7 hour as expires_at, 'cart_reminder' as template,
    'marketing' as message_class, 70 as priority, 'hold' as on_unknown
from triggers.trg_cart_abandoned
