insert into timelines (first_seq, last_seq, restored_at)
values (:first_seq, :last_seq, :now)
