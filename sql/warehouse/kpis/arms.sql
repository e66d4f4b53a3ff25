-- People exposed since $since and those of them who reached the goal, by journey and arm.
with exposures as (
    select journey, arm, user_id, candidate_id
    from marts.fct_exposures
    where exposed_at >= $since
)

select
    exposures.journey,
    exposures.arm,
    count(distinct exposures.user_id) as people,
    count(distinct case when conversions.candidate_id is not null then exposures.user_id end) as converted
from exposures
inner join policy.journeys as journeys on exposures.journey = journeys.journey
left join (select distinct candidate_id from marts.fct_conversions) as conversions
    on exposures.candidate_id = conversions.candidate_id
where journeys.goal_event is not null
group by exposures.journey, exposures.arm
order by exposures.journey, exposures.arm
