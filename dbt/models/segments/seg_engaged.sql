{{ config(contract={"enforced": true}) }}

-- Here on at least three days of the last 30, or clicked or answered a message in that time. What a mail
-- scanner opens and clicks does not count.

with visits as (
    select
        user_id,
        count(distinct cast(occurred_at as date)) as active_days
    from {{ ref("fct_events") }}
    where occurred_at >= {{ ago(days=30) }}
    group by user_id
),

answers as (
    select
        coalesce(identity.user_id, journal.user_id) as user_id,
        count(*) as answers
    from {{ source("raw", "ledger_journal") }} as journal
    left join {{ ref("int_identity_map") }} as identity on journal.user_id = identity.from_user_id
    where
        journal.kind = 'engagement'
        and journal.to_state in ('clicked', 'replied')
        and not coalesce(journal.is_machine, false)
        and journal.happened_at >= {{ ago(days=30) }}
        and journal.happened_at <= {{ as_of() }}
    group by coalesce(identity.user_id, journal.user_id)
)

select
    coalesce(visits.user_id, answers.user_id) as user_id,
    coalesce(visits.active_days, 0) as active_days,
    coalesce(answers.answers, 0) as answers
from visits
full outer join answers on visits.user_id = answers.user_id
where visits.active_days >= 3 or answers.answers >= 1
