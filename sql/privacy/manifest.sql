-- The file as it is now. Of the rows taken out, those that were not refused had been taken, or were duplicates where
-- the file had no more that were taken.
update raw.manifest set
    file_id = $after,
    rows_read = rows_read - len($numbers),
    rows_quarantined = rows_quarantined - $refused,
    rows_taken = greatest(0, rows_taken - (len($numbers) - $refused)),
    rows_duplicate = rows_duplicate - greatest(0, len($numbers) - $refused - rows_taken)
where file_id = $before
