-- Which rows of a raw table are about these people. What is not named here (the catalogue, the codes) is everybody's.
select *
from (
    values
    ('events', 'event_id in (select event_id from landed.event_ids)'),
    ('snowplow_events', 'row_id in (select split_part(event_id, ''#'', 1) from landed.event_ids)'),
    ('shopify_orders', '''shopify:order:'' || row_id in (select event_id from landed.event_ids)'),
    ('shopify_abandoned_checkouts', '''shopify:checkout:'' || row_id in (select event_id from landed.event_ids)'),
    (
        'shopify_order_lines',
        '''shopify:order:'' || json_extract_string(record, ''$.order_id'') in (select event_id from landed.event_ids)'
    ),
    ('shopify_customers', 'row_id in (select given_id from landed.ids)'),
    ('profiles', 'coalesce(user_id, ''anon:'' || anonymous_id) in (select given_id from landed.ids)'),
    ('consents', 'user_id in (select given_id from landed.ids)')
) as whose (table_name, condition)
