with bought as (
    select distinct user_id, product_id from personalisation.int_bought_products
),

fresh as (
    select distinct
        next_orders.user_id,
        truth.product_id
    from next_orders
    inner join truth using (order_id)
    anti join bought on next_orders.user_id = bought.user_id and truth.product_id = bought.product_id
),

popular as (
    select
        people.user_id,
        popular.product_id,
        popular.position
    from (select distinct user_id from fresh) as people
    cross join personalisation.int_popular_products as popular
    anti join bought on people.user_id = bought.user_id and popular.product_id = bought.product_id
),

offers as (
    select 1 as place, 'the most popular' as offer, user_id, product_id, position from popular
    union all
    select 2, '`int_person_recommendations`', user_id, product_id, min(position)
    from (
        select user_id, product_id, position from personalisation.int_person_recommendations
        union all
        select user_id, product_id, 1000 + position from popular
    )
    group by user_id, product_id
),

ten as (
    select *
    from offers
    qualify row_number() over (partition by place, user_id order by position, product_id) <= 10
),

hits as (
    select
        kinds.place,
        kinds.offer,
        people.user_id,
        count(fresh.product_id) as found
    from (select distinct user_id from fresh) as people
    cross join (select distinct place, offer from offers) as kinds
    left join ten on people.user_id = ten.user_id and kinds.place = ten.place
    left join fresh on ten.user_id = fresh.user_id and ten.product_id = fresh.product_id
    group by kinds.place, kinds.offer, people.user_id
)

select
    offer,
    format('{:,}', count(*)) as customers,
    format('{:.1f} % ± {:.1f}', 100 * avg(cast(found > 0 as integer)), 200 * stddev_samp(cast(found > 0 as integer)) / sqrt(count(*))) as hit_rate_at_10,
    format('{:.2f}', avg(found)) as found_of_10
from hits
group by place, offer
order by place
