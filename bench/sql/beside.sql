with baskets as (
    select distinct order_id, product_id from truth
),

-- One product of each order, drawn by a digest: the same at every run.
shown as (
    select
        order_id,
        arg_min(product_id, md5(order_id || product_id)) as product_id
    from baskets
    group by order_id
    having count(*) between 2 and 60
),

rest as (
    select baskets.*
    from baskets
    anti join shown using (order_id, product_id)
),

offers as (
    select 1 as place, 'the most popular' as offer, shown.order_id, popular.product_id
    from shown
    inner join personalisation.int_popular_products as popular
        on popular.position <= 11 and popular.product_id <> shown.product_id
    qualify row_number() over (partition by shown.order_id order by popular.position) <= 10
    union all
    select 2, '`int_recommendations`', shown.order_id, beside.recommended_product_id
    from shown
    inner join personalisation.int_recommendations as beside using (product_id)
),

hits as (
    select
        kinds.place,
        kinds.offer,
        shown.order_id,
        count(rest.product_id) as found
    from shown
    cross join (select distinct place, offer from offers) as kinds
    left join offers on shown.order_id = offers.order_id and kinds.place = offers.place
    left join rest on offers.order_id = rest.order_id and offers.product_id = rest.product_id
    group by kinds.place, kinds.offer, shown.order_id
)

select
    offer,
    format('{:,}', count(*)) as orders,
    format('{:.1f} % ± {:.1f}', 100 * avg(cast(found > 0 as integer)), 200 * stddev_samp(cast(found > 0 as integer)) / sqrt(count(*))) as hit_rate_at_10,
    format('{:.2f}', avg(found)) as found_of_10
from hits
group by place, offer
order by place
