{{ config(materialized="incremental", incremental_strategy="renew") }}

-- Everybody's activity up to a moment (`counted_until`), so that a tick adds only what came since. `person` rows are
-- people as they were known then. `piece` rows are what each id did, one for each span of a device:
-- when ids turn out to belong to another person, int_person_activity puts that person's pieces together again.
-- It is renewed when what came since has become much, from itself and from that; never from all events.

-- One that an earlier release built lacks a column and is counted anew, once.
{% set is_counted = is_incremental() and has_column(this, "last_active_at") %}
{% set counted_until = seen_until(this, "counted_until") if is_counted else beginning_of_time() %}
{% if is_counted and not is_much_waiting(counted_until) %}

select * from {{ this }}
where 1 = 0

{% else %}

with {{ activity_since(this if is_counted, counted_until, as_of()) }},

counted as (
    select
        given_id,
        span_from,
        user_id,
        {{ pieces_together() }}
    from (
        select given_id, span_from, user_id, {{ piece_columns() }} from fresh
        {% if is_counted %}
        union all
        select given_id, now_span_from as span_from, now_user_id as user_id, {{ piece_columns() }} from placed
        where given_id not in (select given_id from torn)
        {% endif %}
    ) as pieces
    group by given_id, span_from, user_id
),

seen as (
    select
        user_id,
        {{ pieces_together() }}
    from counted
    group by user_id
),

reports as (
    select * from ({{ reports_of_people() }}) as reports
    where visible_at < {{ as_of() }}
),

bought as (
    {{ bought_by_person("reports") }}
)

select
    'piece' as level,
    user_id,
    given_id,
    span_from,
    {{ piece_columns() }},
    cast(null as bigint) as orders,
    cast(null as double) as revenue,
    cast(null as timestamp) as last_ordered_at,
    {{ as_of() }} as counted_until
from counted
union all
select
    'person' as level,
    seen.user_id,
    cast(null as {{ dbt.type_string() }}) as given_id,
    cast(null as timestamp) as span_from,
    {{ piece_columns() }},
    cast(coalesce(bought.orders, 0) as bigint) as orders,
    coalesce(bought.revenue, 0) as revenue,
    bought.last_ordered_at,
    {{ as_of() }} as counted_until
from seen
left join bought on seen.user_id = bought.user_id

{% endif %}
