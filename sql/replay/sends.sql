-- Messages by step and channel, with the people they went to and what they would have cost. A country's own
-- price goes before the general one.
with priced as (
    select
        decisions.*,
        costs.cost,
        costs.currency,
        row_number() over (
            partition by decisions.decision_id order by case costs.country when '*' then 1 else 0 end
        ) as choice
    from decisions.fct_decisions as decisions
    left join people.dim_people as people on decisions.user_id = people.user_id
    left join policy.channel_costs as costs
        on decisions.channel = costs.channel and costs.country in ('*', people.country)
    where decisions.journey = $journey and decisions.outcome = 'send' and decisions.decided_at between $first and $last
)

select
    step,
    channel,
    count(*) as messages,
    count(distinct user_id) as people,
    round(sum(cost), 4) as cost,
    min(currency) as currency
from priced
where choice = 1
group by step_number, step, channel
order by step_number, channel
