-- From here on the journal's numbers are ones that no journal before had.
insert into journal (seq, happened_at, kind, from_state, to_state, reason)
values (:first_seq, :now, 'state', 'lost', 'restored', 'restored')
returning seq
