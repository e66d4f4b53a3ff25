-- What they did lately: what a trigger could have seen.
select
    event_name,
    occurred_at,
    product_name,
    cart_id,
    order_id
from people.fct_events
where user_id = $user_id
order by occurred_at desc
limit 10
