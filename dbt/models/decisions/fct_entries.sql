{{ config(
    materialized="incremental", incremental_strategy="append", contract={"enforced": true},
    post_hook="{{ mark_as_read() }}"
) }}
-- depends_on: {{ ref("int_identity_map") }}

-- Who entered which journey, and who was turned away because they are in it already.
-- Re-entry counts exact seconds from the earlier entry of the same journey, person and entity, to
-- either side: an event that arrives late does not slip in before a later one.
-- A campaign takes in who is in its segment at the first look at or after its time, be it nobody, and nobody later.

{% set before_this_look = looked_until(this) if is_incremental() else beginning_of_time() %}

with recursive

-- Most of what the triggers select has its entry since an earlier run. What is left is looked into: a trigger's
-- new row, and one whose person has another id by now.
unseen as (
    {% if is_incremental() %}
    select rows.*
    from {{ ref("int_trigger_rows") }} as rows
    left join {{ this }} as entries
        on
            rows.journey = entries.journey
            and rows.user_id = entries.user_id
            and rows.entity = coalesce(entries.entity_key, '')
            and rows.event_id = entries.event_id
    where entries.entry_id is null
    {% else %}
    select * from {{ ref("int_trigger_rows") }}
    {% endif %}
),

-- Every id that a person of these has had.
ids as (
    select user_id as id from unseen
    union
    select from_user_id as id from {{ ref("int_identity_map") }}
    where user_id in (select user_id from unseen)
),

-- Identities may merge after an entry was made: it is read as the person it belongs to now.
earlier_entries as (
    {% if is_incremental() %}
    select
        entries.entry_id,
        entries.journey,
        coalesce(identity.user_id, entries.user_id) as user_id,
        coalesce(entries.entity_key, '') as entity,
        entries.event_id,
        entries.entered_at,
        entries.status
    from {{ this }} as entries
    left join {{ ref("int_identity_map") }} as identity on entries.user_id = identity.from_user_id
    where entries.user_id in (select id from ids)
    {% else %}
    select
        event_id as entry_id,
        journey,
        user_id,
        entity,
        event_id,
        triggered_at as entered_at,
        '' as status
    from unseen
    where 1 = 0
    {% endif %}
),

-- What others entered about the same order.
entries_of_orders as (
    {% if is_incremental() %}
    select
        entries.entry_id,
        entries.journey,
        coalesce(identity.user_id, entries.user_id) as user_id,
        entries.entity_key as entity
    from {{ this }} as entries
    left join {{ ref("int_identity_map") }} as identity on entries.user_id = identity.from_user_id
    where
        entries.status = 'entered'
        and entries.journey in (select journey from {{ source("policy", "journeys") }} where entity = 'order_id')
        and entries.entity_key in (select entity from unseen)
    {% else %}
    select
        entry_id,
        journey,
        user_id,
        entity
    from earlier_entries
    {% endif %}
),

-- Where the warehouse was built anew, the ledger still knows who entered, and under which id.
known_to_ledger as (
    select
        messages.journey,
        coalesce(identity.user_id, messages.user_id) as person_id,
        coalesce(messages.entity_key, '') as entity,
        messages.event_id,
        min(messages.user_id) as user_id
    from {{ ref("int_ledger_messages") }} as messages
    left join {{ ref("int_identity_map") }} as identity on messages.user_id = identity.from_user_id
    where messages.event_id in (select event_id from unseen)
    group by
        messages.journey, coalesce(identity.user_id, messages.user_id),
        coalesce(messages.entity_key, ''), messages.event_id
),

served as (
    select distinct
        journey,
        entity_key as entity
    from {{ ref("int_ledger_messages") }}
    where not is_failed and entity_key in (select entity from unseen)
),

newcomers as (
    select
        rows.*,
        coalesce(journeys.entity = 'order_id', false) as is_about_an_order,
        coalesce(known.user_id, rows.user_id) as entered_as,
        case when known.user_id is null then 1 else 0 end as is_new_to_ledger,
        journeys.journey_version,
        journeys.reentry_seconds,
        coalesce(
            {{ add_seconds("rows.triggered_at", "journeys.reentry_seconds") }}, cast('9999-12-31' as timestamp)
        ) as free_again_at,
        {{ uuid5(
            "rows.journey || '|' || coalesce(known.user_id, rows.user_id) || '|' || rows.entity || '|' || rows.event_id"
        ) }} as entry_id
    from unseen as rows
    inner join {{ source("policy", "journeys") }} as journeys on rows.journey = journeys.journey
    left join earlier_entries as earlier
        on
            rows.journey = earlier.journey
            and rows.user_id = earlier.user_id
            and rows.entity = earlier.entity
            and rows.event_id = earlier.event_id
    left join known_to_ledger as known
        on
            rows.journey = known.journey
            and rows.user_id = known.person_id
            and rows.entity = known.entity
            and rows.event_id = known.event_id
    where
        earlier.entry_id is null
        and not coalesce(
            journeys.kind = 'scheduled'
            and known.user_id is null
            and (
                rows.triggered_at <= {{ before_this_look }}
                or {{ add_seconds("rows.triggered_at", "journeys.expires_after_seconds") }} < {{ as_of() }}
            ),
            false
        )
),

barred_by_history as (
    select
        newcomers.entry_id,
        min(earlier.entry_id) as blocked_by_entry_id
    from newcomers
    inner join earlier_entries as earlier
        on
            newcomers.journey = earlier.journey
            and newcomers.user_id = earlier.user_id
            and newcomers.entity = earlier.entity
            and earlier.status = 'entered'
            and (
                newcomers.reentry_seconds is null
                or abs({{ seconds_between("earlier.entered_at", "newcomers.triggered_at") }})
                < newcomers.reentry_seconds
            )
    group by newcomers.entry_id
    union all
    -- What is about an order is said once, whoever the order turns out to belong to.
    select
        newcomers.entry_id,
        min(earlier.entry_id) as blocked_by_entry_id
    from newcomers
    inner join entries_of_orders as earlier
        on
            newcomers.journey = earlier.journey
            and newcomers.entity = earlier.entity
            and newcomers.user_id <> earlier.user_id
    inner join served on newcomers.journey = served.journey and newcomers.entity = served.entity
    where newcomers.is_about_an_order
    group by newcomers.entry_id
),

queue as (
    select
        newcomers.*,
        barred.blocked_by_entry_id as barred_by,
        row_number() over (
            partition by newcomers.journey, newcomers.user_id, newcomers.entity
            order by newcomers.is_new_to_ledger, newcomers.triggered_at, newcomers.event_id
        ) as turn
    from newcomers
    left join (
        select
            entry_id,
            min(blocked_by_entry_id) as blocked_by_entry_id
        from barred_by_history
        group by entry_id
    ) as barred on newcomers.entry_id = barred.entry_id
),

-- One after the other, in the order of behaviour. `holder_id` is the newcomer who entered last,
-- `free_at` the moment from which the next one may.
walk as (
    select
        entry_id,
        journey,
        user_id,
        entity,
        turn,
        barred_by as blocked_by_entry_id,
        case when barred_by is null then entry_id end as holder_id,
        case when barred_by is null then free_again_at else cast('0001-01-01' as timestamp) end as free_at
    from queue
    where turn = 1
    union all
    select
        queue.entry_id,
        queue.journey,
        queue.user_id,
        queue.entity,
        queue.turn,
        coalesce(queue.barred_by, case when queue.triggered_at < walk.free_at then walk.holder_id end),
        case
            when queue.barred_by is null and queue.triggered_at >= walk.free_at then queue.entry_id
            else walk.holder_id
        end,
        case
            when queue.barred_by is null and queue.triggered_at >= walk.free_at then queue.free_again_at
            else walk.free_at
        end
    from walk
    inner join queue
        on
            walk.journey = queue.journey
            and walk.user_id = queue.user_id
            and walk.entity = queue.entity
            and walk.turn + 1 = queue.turn
)

select
    queue.entry_id,
    queue.journey,
    queue.journey_version,
    queue.entered_as as user_id,
    queue.entity_key,
    queue.event_id,
    queue.triggered_at as entered_at,
    {{ as_of() }} as recorded_at,
    case when walk.blocked_by_entry_id is null then 'entered' else 'blocked' end as status,
    walk.blocked_by_entry_id,
    queue.payload
from queue
inner join walk on queue.entry_id = walk.entry_id
