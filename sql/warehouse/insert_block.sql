-- Rows handed over as one text: a JSON array a line.
insert into {table}
select {values}
from (
    select json_extract_string(line, [{paths}]) as value
    from unnest(string_split(cast($1 as text), chr(10))) as lines (line)
)
