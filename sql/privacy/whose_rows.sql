-- Whose a row of a raw table is: the id it gives, as events spell ids (`anon:` before an anonymous one), when that
-- held, and the addresses it tells. The same words are read over archived files, whose rows are mapped to these
-- columns (receivers/mapping.py). What is not named here (the catalogue, the codes) is about nobody; the lines of an
-- order are of whoever ordered.
select whose.*
from (
    values
    (
        'events', 'coalesce(user_id, ''anon:'' || anonymous_id)', 'occurred_at',
        '[lower(trim(json_extract_string(properties, ''$.email''))),
          lower(trim(json_extract_string(context, ''$.traits.email'')))]'
    ),
    (
        'profiles', 'coalesce(user_id, ''anon:'' || anonymous_id)', 'updated_at',
        '[lower(email), phone_e164, push_token]'
    ),
    ('consents', 'user_id', 'occurred_at', '[]'),
    (
        'snowplow_events',
        'coalesce(
            nullif(coalesce(
                json_extract_string(record, ''$.user_id''),
                json_extract_string(
                    record, ''$.contexts_com_snowplowanalytics_snowplow_ecommerce_user_1_0_0[0].id''
                )
            ), ''''),
            ''anon:'' || coalesce(
                nullif(json_extract_string(record, ''$.domain_userid''), ''''),
                json_extract_string(
                    record, ''$.contexts_com_snowplowanalytics_snowplow_client_session_1_0_1[0].userId''
                ),
                nullif(json_extract_string(record, ''$.network_userid''), '''')
            )
        )',
        'occurred_at',
        '[lower(trim(json_extract_string(
            record, ''$.contexts_com_snowplowanalytics_snowplow_ecommerce_user_1_0_0[0].email''
        )))]'
    ),
    (
        'shopify_customers', 'row_id', 'occurred_at',
        '[lower(trim(json_extract_string(record, ''$.email''))), json_extract_string(record, ''$.phone_e164'')]'
    ),
    (
        'shopify_orders',
        'coalesce(
            json_extract_string(record, ''$.customer_id''),
            ''anon:'' || lower(trim(json_extract_string(record, ''$.email'')))
        )',
        'occurred_at',
        '[lower(trim(json_extract_string(record, ''$.email''))), json_extract_string(record, ''$.phone_e164'')]'
    ),
    (
        'shopify_abandoned_checkouts',
        'coalesce(
            json_extract_string(record, ''$.customer_id''),
            ''anon:'' || lower(trim(json_extract_string(record, ''$.email'')))
        )',
        'occurred_at',
        '[lower(trim(json_extract_string(record, ''$.email''))), json_extract_string(record, ''$.phone_e164'')]'
    ),
    ('shopify_order_lines', '''order:'' || json_extract_string(record, ''$.order_id'')', 'occurred_at', '[]')
) as whose (table_name, given_id, given_at, addresses)
