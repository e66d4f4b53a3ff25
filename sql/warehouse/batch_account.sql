-- What the files looked at together came to.
select
    count(*) filter (where manifest.status = 'taken') as files_taken,
    count(*) filter (where manifest.status = 'quarantined') as files_quarantined,
    coalesce(sum(manifest.rows_read), 0) as rows_read,
    coalesce(sum(manifest.rows_taken), 0) as rows_taken,
    coalesce(sum(manifest.rows_duplicate), 0) as rows_duplicate,
    coalesce(sum(manifest.rows_quarantined), 0) as rows_quarantined
from files
inner join raw.manifest as manifest on files.file_id = manifest.file_id
