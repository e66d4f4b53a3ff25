-- One row a file, with the account of its rows.
insert into raw.manifest
with account as (
    select
        verdicts.file_no,
        count(*) as rows_read,
        count(*) filter (where verdicts.verdict = 'taken') as rows_taken,
        count(*) filter (where verdicts.verdict = 'duplicate') as rows_duplicate,
        count(*) filter (where verdicts.verdict in ('refused', 'conflicting', 'condemned')) as rows_quarantined,
        bool_or(verdicts.verdict = 'condemned') as is_condemned,
        min(mapped.{moment}) filter (where verdicts.verdict = 'taken') as oldest_occurred_at,
        max(mapped.{moment}) filter (where verdicts.verdict = 'taken') as newest_occurred_at
    from verdicts
    inner join mapped on verdicts.file_no = mapped.file_no and verdicts.row_number = mapped.row_number
    group by verdicts.file_no
)

select
    files.file_id,
    files.path,
    {feed} as feed,
    files.bytes,
    case when files.reason is null and not coalesce(account.is_condemned, false) then 'taken' else 'quarantined' end
        as status,
    whole.reason,
    coalesce(account.rows_read, 0) as rows_read,
    coalesce(account.rows_taken, 0) as rows_taken,
    coalesce(account.rows_duplicate, 0) as rows_duplicate,
    coalesce(account.rows_quarantined, 0) as rows_quarantined,
    account.oldest_occurred_at,
    account.newest_occurred_at,
    getvariable('landed_at') as landed_at,
    getvariable('judged_at') as judged_at
from files
left join account on files.file_no = account.file_no
left join raw.quarantine as whole on files.file_id = whole.file_id and whole.row_number is null
order by files.file_no
