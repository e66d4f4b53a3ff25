{# What an event may say of its person besides what happened; the newest word counts. #}
{% macro told_columns() %}{% do return(["email", "time_zone", "network_time_zone", "network_country"]) %}{% endmacro %}

{# Whether an event shows that its person was there. Any does but those of `vars.no_sign_of_life`, by which a server says
   who somebody is, or tells of something that happened to them. The one place that knows. #}
{% macro is_sign_of_life(events) -%}
    {{ events }}.event_name not in {{ as_text_list(var("no_sign_of_life")) }}
{%- endmacro %}

{# An event as a piece of its person's activity. #}
{% macro event_as_piece(events) -%}
    {% for column in told_columns() -%}
    {{ events }}.{{ column }},
    case when {{ events }}.{{ column }} is not null
        then {{ sortable_time(events ~ ".occurred_at") }} || {{ events }}.event_id end as {{ column }}_told,
    {% endfor -%}
    {{ events }}.occurred_at as first_seen_at,
    {{ events }}.occurred_at as last_seen_at,
    case when {{ is_sign_of_life(events) }} then {{ events }}.occurred_at end as last_active_at
{%- endmacro %}

{# Pieces put together. #}
{% macro pieces_together() -%}
    {% for column in told_columns() -%}
    max_by({{ column }}, {{ column }}_told) as {{ column }},
    max({{ column }}_told) as {{ column }}_told,
    {% endfor -%}
    min(first_seen_at) as first_seen_at,
    max(last_seen_at) as last_seen_at,
    max(last_active_at) as last_active_at
{%- endmacro %}

{# What each person bought, of rows user_id, order_id, event_name, occurred_at, revenue. An order that was reported
   twice is one order; refunds come off the revenue. Money is summed in decimals, which come to the same in any
   order; what no shop takes for an order is no revenue. #}
{% macro bought_by_person(reports) -%}
    select
        user_id,
        sum(is_completed) as orders,
        cast(sum(coalesce(completed, 0) - coalesce(refunded, 0)) as double) as revenue,
        max(ordered_at) as last_ordered_at
    from (
        select
            user_id,
            order_id,
            max(case when event_name = 'order_completed' then 1 else 0 end) as is_completed,
            min(case when event_name = 'order_completed' then occurred_at end) as ordered_at,
            max(case when event_name = 'order_completed' then amount end) as completed,
            sum(case when event_name = 'order_refunded' then amount end) as refunded
        from (
            select
                *,
                case when abs(revenue) < 1000000000 then cast(revenue as decimal(18, 6)) end as amount
            from {{ reports }}
        ) as amounts
        group by user_id, order_id
    ) as orders
    group by user_id
{%- endmacro %}


{# CTEs of a model that adds to `base` (a relation of int_activity_base, or none) what came since `counted_until`:
   `placed`: its pieces with the span and the person they lie in as is known now; `torn`: ids of devices that, as came out
   since, passed on within a piece; `fresh`: events that no piece counts, those of torn devices taken apart again. #}
{% macro activity_since(base, counted_until, until) -%}
{% if base %}
placed as (
    select
        base.*,
        coalesce(spans.user_id, base.given_id) as now_user_id,
        coalesce(spans.valid_from, {{ beginning_of_time() }}) as now_span_from,
        coalesce(base.last_seen_at >= spans.valid_to, false) as is_torn
    from {{ base }} as base
    left join {{ ref("int_identity_spans") }} as spans
        on
            base.given_id = spans.given_id
            and base.first_seen_at >= spans.valid_from
            and base.first_seen_at < spans.valid_to
    where base.level = 'piece'
),

torn as (
    select distinct given_id from placed
    where is_torn
),

uncounted as (
    select * from {{ ref("int_events") }}
    where visible_at >= {{ counted_until }} and visible_at < {{ until }}
    union all
    select * from {{ ref("int_events") }}
    where visible_at < {{ counted_until }} and given_id in (select given_id from torn)
),
{% else %}
uncounted as (
    select * from {{ ref("int_events") }}
    where visible_at < {{ until }}
),
{% endif %}

fresh as (
    select
        uncounted.given_id,
        coalesce(spans.valid_from, {{ beginning_of_time() }}) as span_from,
        coalesce(spans.user_id, uncounted.given_id) as user_id,
        {{ event_as_piece("uncounted") }}
    from uncounted
    left join {{ ref("int_identity_spans") }} as spans
        on
            uncounted.given_id = spans.given_id
            and uncounted.occurred_at >= spans.valid_from
            and uncounted.occurred_at < spans.valid_to
)
{%- endmacro %}

{% macro piece_columns() -%}
    {% for column in told_columns() %}{{ column }}, {{ column }}_told, {% endfor %}first_seen_at, last_seen_at, last_active_at
{%- endmacro %}

{# Reports of orders with the person each belongs to as is known now. An order without an id is its report. Where `people` names a relation, only theirs, and
   only what their ids did is looked at. #}
{% macro reports_of_people(people=none) -%}
    select
        reports.event_id,
        reports.event_name,
        coalesce(reports.order_id, reports.event_id) as order_id,
        reports.revenue,
        reports.occurred_at,
        reports.visible_at,
        coalesce(spans.user_id, reports.given_id) as user_id
    from {{ ref("int_kept_events") }} as reports
    left join {{ ref("int_identity_spans") }} as spans
        on
            reports.given_id = spans.given_id
            and reports.occurred_at >= spans.valid_from
            and reports.occurred_at < spans.valid_to
    where
        reports.event_name in {{ as_text_list(order_reports()) }}
        {% if people %}
        and reports.given_id in (
            select user_id from {{ people }}
            union
            select given_id from {{ ref("int_identity_spans") }}
            where user_id in (select user_id from {{ people }})
        )
        and coalesce(spans.user_id, reports.given_id) in (select user_id from {{ people }})
        {% endif %}
{%- endmacro %}

{# Whether so many events came since that it is time to count them into the base. Unit tests override this macro. #}
{% macro is_much_waiting(counted_until) -%}
    {%- if execute -%}
        {%- set waiting = run_query(
            "select count(*) from " ~ ref("int_events") ~ " where visible_at >= " ~ counted_until ~ " and visible_at < " ~ as_of()
        ).columns[0].values()[0] -%}
        {%- do return(waiting > var("activity_waiting")) -%}
    {%- endif -%}
    {%- do return(true) -%}
{%- endmacro %}
