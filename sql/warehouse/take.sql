-- The good rows, in the order in which they came.
insert into {table} ({columns}, landed_at, source_file)
select {mapped_columns}, getvariable('landed_at'), files.path
from mapped
inner join verdicts on mapped.file_no = verdicts.file_no and mapped.row_number = verdicts.row_number
inner join files on mapped.file_no = files.file_no
where verdicts.verdict = 'taken'
order by mapped.file_no, mapped.row_number
