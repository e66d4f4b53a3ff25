-- Why steps were suppressed since $since, as a share of all that were decided.
with recent as (
    select *
    from kpis.kpi_suppression_rate
    where window_start >= $since
)

select
    reason,
    sum(numerator) as numerator,
    (select sum(denominator) from recent where reason is null) as denominator,
    sum(numerator) / (select nullif(sum(denominator), 0) from recent where reason is null) as value
from recent
where reason is not null
group by reason
order by numerator desc, reason
