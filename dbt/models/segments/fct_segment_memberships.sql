{{ config(materialized="incremental", incremental_strategy="append", contract={"enforced": true}) }}
-- depends_on: {{ ref("int_identity_map") }}

-- Who came into a segment and who left it, noticed by the tick that first saw it; a row only when something
-- changed. Whoever is there when a segment begins to be watched, or when its definition changes, came in
-- without that being news. Merged identities are read as the person they are now: nobody comes in twice.

with members as (
    {% for segment in var("segments_with_history") %}
    select
        '{{ segment }}' as segment,
        user_id
    from {{ ref("seg_" ~ segment) }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

watched as (
    {% for segment in var("segments_with_history") %}
    select
        '{{ segment }}' as segment,
        {{ definition_of(segment) }} as definition
    {{ "union all" if not loop.last }}
    {% endfor %}
),

-- The newest word on each segment and id. A row without an id is about the segment: it is watched since then,
-- with that definition, or no longer.
newest as (
    select
        segment,
        user_id,
        max_by(change, change_number) as change,
        max_by(definition, change_number) as definition,
        max(change_number) as change_number
    from {% if is_incremental() %}{{ this }}{% else %}(
        select segment, definition, '' as user_id, '' as change, 0 as change_number from watched where 1 = 0
    ) as nothing_yet{% endif %}
    group by segment, user_id
),

marks as (
    select * from newest
    where user_id is null
),

inside as (
    select
        newest.segment,
        newest.user_id,
        newest.change_number,
        coalesce(identity.user_id, newest.user_id) as person_id
    from newest
    left join {{ ref("int_identity_map") }} as identity on newest.user_id = identity.from_user_id
    where newest.change = 'entered'
),

changes as (
    select
        members.segment,
        members.user_id,
        'entered' as change,
        newest.change_number
    from members
    left join newest on members.segment = newest.segment and members.user_id = newest.user_id
    left join (select distinct segment, person_id from inside) as known
        on members.segment = known.segment and members.user_id = known.person_id
    where known.person_id is null
    union all
    -- Under every id that came in, so that none of them is taken for a member later.
    select inside.segment, inside.user_id, 'left', inside.change_number
    from inside
    inner join watched on inside.segment = watched.segment
    left join members on inside.segment = members.segment and inside.person_id = members.user_id
    where members.user_id is null
    union all
    select watched.segment, null, 'watched', marks.change_number
    from watched
    left join marks on watched.segment = marks.segment
    where coalesce(marks.change, 'unwatched') = 'unwatched' or marks.definition <> watched.definition
    union all
    select marks.segment, null, 'unwatched', marks.change_number
    from marks
    left join watched on marks.segment = watched.segment
    where watched.segment is null and marks.change = 'watched'
)

select
    changes.segment,
    changes.user_id,
    changes.change,
    {{ as_of() }} as changed_at,
    cast(coalesce(changes.change_number, 0) + 1 as bigint) as change_number,
    changes.user_id is not null
    and coalesce(marks.change = 'watched' and marks.definition = watched.definition, false) as is_news,
    watched.definition
from changes
left join watched on changes.segment = watched.segment
left join marks on changes.segment = marks.segment
