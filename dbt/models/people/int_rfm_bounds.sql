-- Where the fifths of those who bought begin, by when they last did, how often, and for how much: one row. Whoever is
-- above a bound has so many fifths of the others below them; equals stand on the same side.

{% set measures = {"recency": "last_ordered_at", "frequency": "orders", "monetary": "revenue"} %}

with buyers as (
    select orders, revenue, last_ordered_at from {{ people_as_known() }} as people
    where orders > 0
),

counted as (
    select count(*) - 1 as others from buyers
),

{% for name, measure in measures.items() %}
by_{{ name }} as (
    select
        {{ start_of_fifth(measure, 1) }} as {{ name }}_1,
        {{ start_of_fifth(measure, 2) }} as {{ name }}_2,
        {{ start_of_fifth(measure, 3) }} as {{ name }}_3,
        {{ start_of_fifth(measure, 4) }} as {{ name }}_4
    from (
        select
            {{ measure }},
            row_number() over (order by {{ measure }}) as place
        from buyers
    ) as placed
    cross join counted
){{ "," if not loop.last }}

{% endfor %}
select *
from by_recency
cross join by_frequency
cross join by_monetary
