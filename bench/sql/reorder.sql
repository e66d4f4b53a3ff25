with gaps as (
    select date_diff('day', lag(ordered_on) over (partition by user_id order by ordered_on), ordered_on) as gap
    from (
        select distinct
            user_id,
            cast(bought_at as date) as ordered_on
        from personalisation.int_bought_products
    )
),

naive as (
    select
        median(gap) as usual_gap,
        date '2011-10-01' as split_on
    from gaps
),

guesses as (
    select
        user_id,
        1 as place,
        'last order + the median of all gaps' as guess,
        last_ordered_on + cast(round(usual_gap) as integer) as day
    from predictions.pred_reorder cross join naive
    union all
    select user_id, 2, 'the same, overdue read as today', greatest(last_ordered_on + cast(round(usual_gap) as integer), split_on)
    from predictions.pred_reorder cross join naive
    union all
    select user_id, 3, '`pred_reorder.due_on`', due_on from predictions.pred_reorder
    union all
    select user_id, 4, '`pred_reorder.expected_on` (overdue read as today)', expected_on from predictions.pred_reorder
),

errors as (
    select
        place,
        guess,
        abs(date_diff('day', day, cast(ordered_at as date))) as days,
        history.order_days >= 3 as has_rhythm
    from guesses
    inner join next_orders using (user_id)
    inner join predictions.pred_reorder as history using (user_id)
)

select
    guess,
    format('{:,}', count(*)) as customers,
    format('{:.1f} ± {:.1f}', avg(days), 2 * stddev_samp(days) / sqrt(count(*))) as mean_error,
    format('{:.0f}', median(days)) as median_error,
    format('{:.1f} %', 100 * avg(cast(days <= 7 as integer))) as within_a_week,
    format('{:.1f} (of {:,})', avg(days) filter (where has_rhythm), count(*) filter (where has_rhythm)) as mean_error_with_two_gaps_or_more
from errors
group by place, guess
order by place
