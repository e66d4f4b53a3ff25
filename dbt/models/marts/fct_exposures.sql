{{ config(materialized="view", contract={"enforced": true}) }}

-- Who is in the measurement: each step that was sent, and each that would have been but for the holdout.
-- Both arms are dated by the decision, which a held-out person has too. A step that fell back to
-- another channel was exposed once, at its first decision.

with exposed as (
    select
        *,
        row_number() over (partition by candidate_id order by decision_number) as turn
    from {{ ref("fct_decisions") }}
    where
        is_exposed and decided_at >= {{ kpis_since() }}
        -- Who is held out of everything is nobody's control group: the other journeys are missing there, too.
        and not (is_holdout and coalesce(blocking_id, '') = 'global')
)

select
    exposed.candidate_id,
    exposed.journey,
    exposed.journey_version,
    exposed.step,
    exposed.step_number,
    exposed.channel,
    exposed.variant,
    exposed.message_class,
    case when exposed.is_holdout then 'control' else 'treated' end as arm,
    coalesce(identity.user_id, exposed.user_id) as user_id,
    exposed.entity_key,
    exposed.event_id,
    exposed.decided_at as exposed_at
from exposed
left join {{ ref("int_identity_map") }} as identity on exposed.user_id = identity.from_user_id
where exposed.turn = 1
