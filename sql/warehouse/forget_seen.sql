-- Of a source table only what is new counts: rows inside the overlap come again with every look.
delete from verdicts
where
    verdict = 'duplicate'
    or (file_no, row_number) in (
        select (arrived.file_no, arrived.row_number)
        from arrived
        inner join raw.quarantine as refused on left(arrived.doc, 10000) = refused.line
        where refused.path = $1
    )
