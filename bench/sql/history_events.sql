-- Events $first to $last of a shop that grows older, not busier: a million in thirty days, 90,000 people about at any
-- time and 10,000 new ones a month; one in ten events is of somebody not logged in.
insert into raw.events
with numbers as (
    select n, timestamp '2022-01-01 12:00' + to_microseconds(n * 2592000) as moment
    from range($first, $last) as events (n)
),

chosen as (
    select
        n,
        moment,
        hash(n) % 100 as kind,
        cast(n // 100 + hash(n, 1) % 90000 as bigint) as person,
        'P' || (hash(n, 2) % 5000) as product,
        10 + hash(n, 2) % 90 as price
    from numbers
)

select
    md5('h' || n) as event_id,
    case when kind < 80 then 'product_viewed' when kind < 95 then 'product_added' else 'order_completed' end as event_name,
    case when n % 10 > 0 then 'u' || person end as user_id,
    case when n % 10 = 0 or person % 3 = 0 then 'd' || person end as anonymous_id,
    moment as occurred_at,
    moment + to_seconds(20) as landed_at,
    '{"product_id":"' || product || '","name":"Product ' || product || '","price":' || price || '.0,"currency":"EUR"'
    || case when kind >= 80 then ',"cart_id":"c' || person || '"' else '' end
    || case when kind >= 95 then ',"order_id":"o' || n || '","total":' || price || '.0' else '' end
    || '}' as properties,
    '{}' as context,
    'bench' as source,
    'bench' as source_file
from chosen
