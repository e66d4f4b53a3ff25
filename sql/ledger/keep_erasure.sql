-- The receipt grows while the erasure goes on from store to store.
insert into erasures (erasure_id, erased_at, receipt)
values (:erasure_id, :now, :receipt)
on conflict (erasure_id) do update
set receipt = excluded.receipt
