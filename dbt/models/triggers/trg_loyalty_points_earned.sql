{{ config(contract={"enforced": true}) }}

-- Somebody earned points. An award that is reported twice was earned once; what is no number of points, or more
-- than anybody earns, is no award. Within a day only the first is told: the balance says the rest.

with awards as (
    select
        user_id,
        event_id,
        occurred_at,
        coalesce(nullif({{ json_text("properties", "$.award_id") }}, ''), event_id) as award_id,
        floor({{ json_number("properties", "$.points") }}) as points,
        floor({{ json_number("properties", "$.balance") }}) as balance,
        {{ first_moment("properties", dated_events()["points"]["day"]) }} as expires_at
    from {{ ref("fct_events") }}
    where occurred_at >= {{ ago(days=3) }} and event_name = 'loyalty_points_earned'
),

numbered as (
    select
        *,
        row_number() over (partition by user_id, award_id order by occurred_at, event_id) as report
    from awards
    where points between 1 and 1000000
)

select
    user_id,
    cast(null as {{ dbt.type_string() }}) as entity_key,
    award_id as event_id,
    occurred_at as triggered_at,
    cast(points as bigint) as points,
    -- Who earned more than they have now is told the award only.
    cast(case when balance between points and 100000000 then balance end as bigint) as balance,
    case
        when expires_at > occurred_at and expires_at <= {{ add_seconds("occurred_at", 10 * 366 * 24 * 3600) }}
            then expires_at
    end as points_expire_at,
    occurred_at as earned_at
from numbered
where report = 1
