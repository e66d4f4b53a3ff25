-- What is on whose wish list: put on within 93 days and not taken off since. A product that was bought and
-- never taken off is still here.

select
    user_id,
    product_id,
    max(occurred_at) as wished_at
from {{ kept_events_of_people() }} as wishes
where
    occurred_at >= {{ ago(days=93) }}
    and event_name in ('product_added_to_wishlist', 'product_removed_from_wishlist')
    and product_id is not null
group by user_id, product_id
having max_by(event_name, (occurred_at, event_id)) = 'product_added_to_wishlist'
