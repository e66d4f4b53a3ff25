-- Whole files: those that could not be read, and those in which every row fails a rule about a column.
insert into raw.quarantine
with in_every_row as (
    select file_no, count(*) as rows_read, (bit_and(failed) & {file_mask}) as failed, any_value(unreadable) as unreadable
    from mapped
    where file_no in (select file_no from verdicts where verdict = 'condemned')
    group by file_no
)

select
    files.file_id,
    files.path,
    {feed} as feed,
    null as row_number,
    case
        when rules.bit is null then files.reason
        when rules.bit = 1 then 'no row can be read: ' || in_every_row.unreadable
        else rules.reason || ' (in all rows: ' || in_every_row.rows_read || ')'
    end as reason,
    rules.expectation,
    rules.column_name,
    left(coalesce(json_extract_string(arrived.line, '$'), arrived.doc), 10000) as line,
    getvariable('landed_at') as landed_at
from files
left join in_every_row on files.file_no = in_every_row.file_no
left join rules on rules.bit = (in_every_row.failed & (-in_every_row.failed))
left join arrived
    on
        files.file_no = arrived.file_no
        and arrived.row_number = (
            select min(first.row_number) from arrived as first where first.file_no = files.file_no
        )
where files.reason is not null or in_every_row.file_no is not null
order by files.file_no
