{# Conservation: what goes in comes out, each step exactly once, as send, hold or suppress. #}
{% test every_candidate_is_decided_once(model, candidates) %}

with decided as (
    select
        candidate_id,
        count(*) as verdicts
    from {{ model }}
    where outcome in ('send', 'hold', 'suppress')
    group by candidate_id
)

select
    candidates.candidate_id,
    decided.verdicts
from {{ candidates }} as candidates
left join decided on candidates.candidate_id = decided.candidate_id
where coalesce(decided.verdicts, 0) <> 1

{% endtest %}
