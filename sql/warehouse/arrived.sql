-- Rows as they came, of all files that are looked at together.
create or replace temp table arrived (
    file_no integer not null,
    row_number bigint not null,     -- the line in the file, from 1
    unreadable text,                -- why there is no doc
    line text,                      -- the original as a JSON string, where it is not doc itself
    doc text                        -- the row as a JSON object
)
