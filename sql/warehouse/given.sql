-- What the declaration looks for in each row, as text and as JSON type, in one pass over the document.
create or replace temp table given as
with looked_up as (
    select
        file_no,
        row_number,
        unreadable,
        doc,
        json_extract_string(doc, [{paths}]) as texts,
        json_type(doc, [{paths}]) as types,
        json_merge_patch(doc, {used}) as more
    from arrived
)

select
    file_no,
    row_number,
    unreadable,
    doc,
    more,
    {source} as source,
    getvariable('landed_at') as landed_at,
    {columns}
from looked_up
