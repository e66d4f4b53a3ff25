{{ config(contract={"enforced": true}) }}

-- Somebody removed the app and has not opened it since, on this device or another. The first removal of the last
-- days counts; who removes it again within three months is not asked again.

with app as (
    select
        user_id,
        event_id,
        event_name,
        occurred_at,
        max(case when event_name <> 'application_uninstalled' then occurred_at end) over (
            partition by user_id
        ) as used_at
    from {{ ref("fct_events") }}
    where
        occurred_at >= {{ ago(days=5) }}
        and event_name in ('application_uninstalled', 'application_installed', 'application_opened')
),

removals as (
    select
        *,
        row_number() over (partition by user_id order by occurred_at, event_id) as turn
    from app
    where event_name = 'application_uninstalled' and coalesce(used_at < occurred_at, true)
)

select
    user_id,
    cast(null as {{ dbt.type_string() }}) as entity_key,
    event_id,
    occurred_at as triggered_at,
    occurred_at as uninstalled_at
from removals
where turn = 1
