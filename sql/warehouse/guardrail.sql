-- One KPI of one journey over its windows that began after a moment: a day on which a person started the journey
-- again is over with for it, since its figures hold what happened before. $kpi is the KPI's table.
select
    sum(numerator) as numerator,
    sum(denominator) as denominator
from $kpi
where journey = $journey and window_start > $since
