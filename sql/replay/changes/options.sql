-- What a person's answer can be asked again with: kind, name, and how it is now where that is policy.
select 'cap' as kind, cap_id as name, cast(max_messages as text) as now from policy.frequency_caps
union all
select 'cap', scope_value, string_agg(cast(max_messages as text), ' and ' order by cap_id) from policy.frequency_caps
group by scope_value
union all
select 'quiet_hours', rule_id, quiet_from || '-' || quiet_until from policy.quiet_hours
union all
select distinct unnest(['consent', 'suppression', 'route']), channel, null from policy.step_channels
union all
select 'holdout', journeys.journey, cast(coalesce(max(experiments.to_bucket) / 10000, 0) as text)
from policy.journeys as journeys
left join policy.experiments as experiments
    on
        journeys.journey = experiments.experiment_journey
        and experiments.experiment = 'holdout'
        and experiments.arm = 'held_out'
where journeys.message_class = 'marketing'
group by journeys.journey
union all
select 'holdout', 'global', cast(coalesce(max(to_bucket) / 10000, 0) as text)
from policy.experiments
where experiment = 'global_holdout' and arm = 'held_out'
union all
select 'rollout', journeys.journey, cast(coalesce(max(experiments.to_bucket) / 10000, 1) as text)
from policy.journeys as journeys
left join policy.experiments as experiments
    on
        journeys.journey = experiments.experiment_journey
        and experiments.experiment = 'rollout'
        and experiments.arm = 'open'
group by journeys.journey
union all
select 'priority', journey, cast(priority as text) from policy.journeys
order by kind, name
