-- Which arm of each experiment everybody with something due is in: held out of the journey or of all
-- marketing, which variant they get, whether a ramp is open to them. The draw hangs on the contact address,
-- so that two profiles behind one address share a fate, and not on the share, so that a growing share only
-- ever adds people. What was drawn at a first exposure is kept; it goes with its person when their id changes.

with due as (
    select distinct
        journey,
        person_id
    from {{ ref("int_candidates_this_run") }}
),

experiments as (
    select distinct
        experiment,
        experiment_journey,
        journey,
        salt
    from {{ source("policy", "experiments") }}
),

wanted as (
    select
        experiments.experiment,
        experiments.experiment_journey,
        experiments.journey,
        due.person_id,
        coalesce(people.cluster_id, due.person_id) as cluster_id,
        {{ bucket("experiments.salt || '|' || coalesce(people.cluster_id, due.person_id)") }} as bucket
    from due
    inner join experiments on due.journey = experiments.journey
    left join {{ ref("dim_people") }} as people on due.person_id = people.user_id
),

-- An arm that the policy no longer has is drawn anew.
own as (
    select
        wanted.experiment,
        wanted.journey,
        wanted.person_id,
        assignments.arm,
        assignments.assigned_at,
        assignments.user_id,
        1 as is_own
    from {{ source("history", "int_assignments") }} as assignments
    left join {{ ref("int_identity_map") }} as identity on assignments.user_id = identity.from_user_id
    inner join wanted
        on
            coalesce(identity.user_id, assignments.user_id) = wanted.person_id
            and assignments.experiment = wanted.experiment
            and assignments.experiment_journey = wanted.experiment_journey
    inner join {{ source("policy", "experiments") }} as arms
        on wanted.experiment = arms.experiment and wanted.journey = arms.journey and assignments.arm = arms.arm
),

not_drawn as (
    select wanted.* from wanted
    where not exists (
        select 1 from own
        where
            own.experiment = wanted.experiment
            and own.journey = wanted.journey
            and own.person_id = wanted.person_id
    )
),

-- Who was not drawn yet takes what their address drew.
known as (
    select * from own
    union all
    select
        not_drawn.experiment,
        not_drawn.journey,
        not_drawn.person_id,
        assignments.arm,
        assignments.assigned_at,
        assignments.user_id,
        0 as is_own
    from {{ source("history", "int_assignments") }} as assignments
    inner join not_drawn
        on
            assignments.cluster_id = not_drawn.cluster_id
            and assignments.experiment = not_drawn.experiment
            and assignments.experiment_journey = not_drawn.experiment_journey
    inner join {{ source("policy", "experiments") }} as arms
        on not_drawn.experiment = arms.experiment and not_drawn.journey = arms.journey and assignments.arm = arms.arm
),

-- Of two draws that met in one person the older holds. Grouped, because a window over as many rows costs twice as much.
kept as (
    select
        experiment,
        journey,
        person_id,
        max(is_own) as is_own,
        min_by(arm, (assigned_at, user_id)) as arm
    from known
    group by experiment, journey, person_id
)

select
    wanted.experiment,
    wanted.experiment_journey,
    wanted.journey,
    wanted.person_id,
    wanted.cluster_id,
    wanted.bucket,
    coalesce(kept.arm, arms.arm) as arm,
    coalesce(kept.is_own, 0) as is_kept
from wanted
inner join {{ source("policy", "experiments") }} as arms
    on
        wanted.experiment = arms.experiment
        and wanted.journey = arms.journey
        and wanted.bucket >= arms.from_bucket
        and wanted.bucket < arms.to_bucket
left join kept
    on
        wanted.experiment = kept.experiment
        and wanted.journey = kept.journey
        and wanted.person_id = kept.person_id
