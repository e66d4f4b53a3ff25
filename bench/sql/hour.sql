with everybody as (
    select mode(hour(bought_at)) as usual_hour
    from (
        select distinct user_id, order_id, bought_at from personalisation.int_bought_products
    )
),

guesses as (
    select
        next_orders.user_id,
        hour(ordered_at) as hour,
        usual_hour,
        coalesce(own.hour, usual_hour) as own_hour,
        own.user_id is not null as has_own
    from next_orders
    cross join everybody
    left join predictions.pred_best_hour as own on next_orders.user_id = own.user_id
),

told as (
    select 1 as place, 'everybody''s most frequent hour' as guess, hour, usual_hour as guessed, has_own from guesses
    union all
    select 2, '`pred_best_hour`', hour, own_hour, has_own from guesses
)

select
    guess,
    format('{:,}', count(*)) as customers,
    format('{:.1f} % ± {:.1f}', 100 * avg(cast(hour = guessed as integer)), 200 * stddev_samp(cast(hour = guessed as integer)) / sqrt(count(*))) as that_hour,
    format('{:.1f} %', 100 * avg(cast(abs(hour - guessed) <= 1 as integer))) as within_an_hour,
    format('{:.1f} % (of {:,})', 100 * avg(cast(hour = guessed as integer)) filter (where has_own), count(*) filter (where has_own)) as that_hour_where_there_is_a_row
from told
group by place, guess
order by place
