{{ config(materialized="incremental", incremental_strategy="append", contract={"enforced": true}) }}

-- Who is in which arm for good, from the first time they were exposed. A ramp (`rollout`) is no arm to
-- stay in: it follows the policy of the day.

select distinct
    draws.experiment,
    draws.experiment_journey,
    draws.person_id as user_id,
    draws.cluster_id,
    draws.bucket,
    draws.arm,
    {{ as_of() }} as assigned_at
from {{ ref("int_draws_this_run") }} as draws
inner join {{ ref("int_decisions_this_run") }} as decisions
    on draws.person_id = decisions.user_id and draws.journey = decisions.journey
where draws.experiment <> 'rollout' and draws.is_kept = 0 and decisions.is_exposed
