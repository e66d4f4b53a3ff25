-- The next order of each customer who was known before the split, and what was in it.
create temporary table next_orders as
select
    user_id,
    min_by(order_id, ("at", order_id)) as order_id,
    min(cast("at" as timestamp)) as ordered_at
from truth
where user_id in (select user_id from personalisation.int_bought_products)
group by user_id;
