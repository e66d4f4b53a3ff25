select
    address_key,
    scope,
    is_active,
    reason,
    changed_at
from suppressions
where address_key = :address_key
order by scope
