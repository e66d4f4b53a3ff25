select
    seq,
    happened_at,
    kind,
    from_state,
    to_state,
    is_machine,
    reason
from journal
where message_no = :message_no
order by seq
