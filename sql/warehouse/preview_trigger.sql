-- What a trigger selects for one person now, the newest first: what their message would say.
select
    rows.entity_key,
    rows.event_id,
    rows.triggered_at,
    rows.payload
from decisions.int_trigger_rows as rows
where rows.journey = $journey and rows.user_id = $user_id
order by rows.triggered_at desc, rows.event_id desc
limit 1
