-- What the manifest says of a file.
select file_id, status, rows_read, judged_at
from raw.manifest
where file_id = $1
