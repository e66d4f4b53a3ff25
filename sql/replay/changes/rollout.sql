-- Another share of people whom a journey is open to; all: it is no ramp any more.
delete from policy.experiments
where experiment = 'rollout' and experiment_journey = $name;

insert into policy.experiments
select
    'rollout' as experiment,
    journeys.journey as experiment_journey,
    journeys.journey,
    'rollout|' || journeys.journey as salt,
    arms.arm,
    arms.from_bucket,
    arms.to_bucket
from policy.journeys as journeys
cross join (
    select 'open' as arm, 0 as from_bucket, cast(round($value * 10000) as bigint) as to_bucket
    union all
    select 'closed', cast(round($value * 10000) as bigint), 10000
) as arms
where journeys.journey = $name and $value < 1
