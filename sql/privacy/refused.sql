-- The refused rows that were taken out of a file leave the quarantine.
delete from raw.quarantine
where file_id = $file_id and list_contains($numbers, row_number)
returning row_number
