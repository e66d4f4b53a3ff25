-- Minutes from decision to goal since $since. Percentiles are taken over the conversions
-- themselves: those of days and places cannot be put together.
select
    case
        when grouping(journey) = 1 then 'all'
        when grouping(step) = 1 then 'journey'
        else 'place'
    end as level,
    journey,
    step,
    channel,
    sum(seconds_to_conversion) / 60 as numerator,
    count(*) as denominator,
    quantile_cont(seconds_to_conversion, 0.5) / 60 as value,
    quantile_cont(seconds_to_conversion, 0.9) / 60 as p90,
    avg(seconds_to_conversion) / 60 as mean
from marts.fct_conversions
where
    message_id is not null
    and is_first
    and exposed_at >= $since
group by grouping sets ((), (journey), (journey, step, channel))
having count(*) > 0
order by level, journey, step, channel
