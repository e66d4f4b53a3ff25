-- Another share of people held out of a journey, or of all marketing; nothing: nobody is.
delete from policy.experiments
where
    ($name = 'global' and experiment = 'global_holdout')
    or (experiment = 'holdout' and experiment_journey = $name);

insert into policy.experiments
select
    case $name when 'global' then 'global_holdout' else 'holdout' end as experiment,
    case $name when 'global' then '' else journeys.journey end as experiment_journey,
    journeys.journey,
    case $name when 'global' then 'all marketing' else journeys.journey end as salt,
    arms.arm,
    arms.from_bucket,
    arms.to_bucket
from policy.journeys as journeys
cross join (
    select 'held_out' as arm, 0 as from_bucket, cast(round($value * 10000) as bigint) as to_bucket
    union all
    select 'open', cast(round($value * 10000) as bigint), 10000
) as arms
where journeys.message_class = 'marketing' and $name in (journeys.journey, 'global') and $value > 0
