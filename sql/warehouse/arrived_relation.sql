-- Rows that the database can read itself: a Parquet file or a table.
insert into arrived
select
    {file_no} as file_no,
    row_number() over () as row_number,
    null as unreadable,
    null as line,
    cast(to_json(struct_pack({cells})) as text) as doc
from {relation}
