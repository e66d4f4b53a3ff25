insert into erased (mark, kind, erasure_id, suppressed_scope, erased_at)
values (:mark, :kind, :erasure_id, :suppressed_scope, :now)
on conflict (mark) do nothing
