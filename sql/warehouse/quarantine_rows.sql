-- Each refused row with all that is wrong with it, the expectation that failed first, and its line.
insert into raw.quarantine
select
    files.file_id,
    files.path,
    {feed} as feed,
    mapped.row_number,
    coalesce(any_value(mapped.unreadable), string_agg(rules.reason, '; ' order by rules.bit)) as reason,
    arg_min(rules.expectation, rules.bit) as expectation,
    arg_min(rules.column_name, rules.bit) as column_name,
    left(any_value(coalesce(json_extract_string(arrived.line, '$'), arrived.doc)), 10000) as line,
    getvariable('landed_at') as landed_at
from verdicts
inner join mapped on verdicts.file_no = mapped.file_no and verdicts.row_number = mapped.row_number
inner join arrived on verdicts.file_no = arrived.file_no and verdicts.row_number = arrived.row_number
inner join files on verdicts.file_no = files.file_no
inner join rules
    on
        case
            when verdicts.verdict = 'conflicting' then rules.bit = 0
            else (mapped.failed & {row_mask} & rules.bit) <> 0 and (mapped.failed & rules.enough) = 0
        end
where verdicts.verdict in ('refused', 'conflicting')
group by files.file_id, files.path, mapped.file_no, mapped.row_number
order by mapped.file_no, mapped.row_number
