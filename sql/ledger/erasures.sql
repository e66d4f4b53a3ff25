select
    erasure_id,
    erased_at,
    receipt
from erasures
order by erased_at, erasure_id
