-- The codes of a pool in the order they came. Which of them are taken, only the ledger knows.
select
    code,
    label,
    expires_at
from raw.discount_codes
where pool = $pool and landed_at <= $as_of and (expires_at is null or expires_at > $as_of)
order by landed_at, code
