-- The refused rows that are left, under the file's new name; where rows moved up, with their new numbers.
update raw.quarantine set
    file_id = $after,
    row_number = row_number - len(list_filter($numbers, lambda number : number < row_number))
where file_id = $before
