-- The keys of the good rows.
insert into {keys}
select {key_hash} as key_hash, getvariable('landed_at') as landed_at
from mapped
inner join verdicts on mapped.file_no = verdicts.file_no and mapped.row_number = verdicts.row_number
where verdicts.verdict = 'taken'
