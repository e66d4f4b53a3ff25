{{ config(materialized="incremental", incremental_strategy="renew", post_hook="{{ mark_as_read() }}") }}

-- Whose an id was, and when. An event of a device belongs to whoever was last known on that device
-- before it, else to whoever was first known on it after. A former user id belongs to its new one at all
-- times, through any number of renamings. Devices are worked out again when somebody else is known on them.

{% set read_until = read_until(this) if is_incremental() %}
{% set has_renamings = not is_incremental() or new_renamings(read_until) %}

with recursive

{% if is_incremental() %}
new_links as (
    select * from {{ ref("int_identity_links") }}
    where visible_at >= {{ read_until }} and link_kind = 'device'
),

-- `is_known`: its links are older than these.
stale_devices as (
    select
        new_links.from_id,
        count(spans.given_id) > 0 as is_known
    from new_links
    left join {{ this }} as spans on new_links.from_id = spans.given_id and spans.linked_id is not null
    group by new_links.from_id
    having
        count(spans.given_id) = 0
        or min(spans.linked_id) <> max(spans.linked_id)
        or min(spans.linked_id) <> min(new_links.user_id)
        or max(spans.linked_id) <> max(new_links.user_id)
),

links as (
    select * from new_links
    where from_id in (select from_id from stale_devices where not is_known)
    union all
    select * from {{ ref("int_identity_links") }}
    where link_kind = 'device' and from_id in (select from_id from stale_devices where is_known)
),
{% else %}
links as (
    select * from {{ ref("int_identity_links") }}
    where link_kind = 'device'
),
{% endif %}

{% if has_renamings %}
renamings as (
    select from_id, user_id
    from (
        select
            from_id,
            user_id,
            row_number() over (partition by from_id order by linked_at desc, event_id desc) as recency
        from {{ ref("int_identity_links") }}
        where link_kind = 'user'
    ) as newest
    where recency = 1
),

-- Twenty renamings end any circle.
chains as (
    select from_id, user_id, 1 as steps
    from renamings
    union all
    select chains.from_id, renamings.user_id, chains.steps + 1 as steps
    from chains
    inner join renamings on chains.user_id = renamings.from_id
    where chains.steps < 20
),

-- The end of the chain is the person; in a circle it is the first of its ids by name.
people as (
    select
        chains.from_id,
        coalesce(
            min(case when renamings.from_id is null then chains.user_id end), min(chains.user_id)
        ) as user_id
    from chains
    left join renamings on chains.user_id = renamings.from_id
    group by chains.from_id
),
{% else %}
people as (
    select given_id as from_id, user_id from {{ this }}
    where linked_id is null
),
{% endif %}

devices as (
    select
        from_id,
        min(user_id) as only_user_id,
        min(user_id) <> max(user_id) as is_shared
    from links
    group by from_id
),

-- Only where a device passed from one to another does it matter when.
handovers as (
    select
        links.*,
        lag(links.user_id) over (partition by links.from_id order by links.linked_at, links.event_id) as before_id
    from links
    inner join devices on links.from_id = devices.from_id
    where devices.is_shared
),

turns as (
    select
        from_id,
        user_id,
        case when before_id is null then {{ beginning_of_time() }} else linked_at end as valid_from,
        coalesce(
            lead(linked_at) over (partition by from_id order by linked_at, event_id), {{ end_of_time() }}
        ) as valid_to
    from handovers
    where before_id is null or before_id <> user_id
),

spans as (
    select
        from_id, only_user_id as linked_id, {{ beginning_of_time() }} as valid_from, {{ end_of_time() }} as valid_to
    from devices
    where not is_shared
    union all
    select from_id, user_id as linked_id, valid_from, valid_to
    from turns
    where valid_from < valid_to
    {% if is_incremental() %}
    union all
    select given_id as from_id, linked_id, valid_from, valid_to
    from {{ this }}
    where linked_id is not null and given_id not in (select from_id from stale_devices)
    {% endif %}
),

all_spans as (
    select
        spans.from_id as given_id,
        spans.linked_id,
        coalesce(people.user_id, spans.linked_id) as user_id,
        spans.valid_from,
        spans.valid_to
    from spans
    left join people on spans.linked_id = people.from_id
    union all
    select
        from_id as given_id,
        cast(null as {{ dbt.type_string() }}) as linked_id,
        user_id,
        {{ beginning_of_time() }} as valid_from,
        {{ end_of_time() }} as valid_to
    from people
    where from_id <> user_id
)

select * from all_spans
{% if not has_renamings %}
-- Without a change nothing is written: the table stays as it is.
where exists (select 1 from stale_devices)
{% endif %}
