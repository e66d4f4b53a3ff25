-- From here on the journal's numbers are ones that no journal before had; so the server goes on drawing after them.
with restarted as (
    insert into journal (seq, happened_at, kind, from_state, to_state, reason)
    values (:first_seq, :now, 'state', 'lost', 'restored', 'restored')
    returning seq
)

select setval(pg_get_serial_sequence('journal', 'seq'), restarted.seq) from restarted
