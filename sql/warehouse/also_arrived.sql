-- Rows just taken that are rows of another feed, too. The line stays the original.
create or replace temp table arrived as
select
    mapped.file_no,
    mapped.row_number,
    cast(null as text) as unreadable,
    coalesce(arrived.line, cast(to_json(arrived.doc) as text)) as line,
    mapped.also_doc as doc
from mapped
inner join verdicts on mapped.file_no = verdicts.file_no and mapped.row_number = verdicts.row_number
inner join arrived on mapped.file_no = arrived.file_no and mapped.row_number = arrived.row_number
where verdicts.verdict = 'taken' and mapped.also_doc is not null
