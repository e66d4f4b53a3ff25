select
    mark,
    kind,
    erasure_id,
    suppressed_scope
from erased
