-- The rows of a file that its feed's rules refused; a key used twice is no matter of the rules.
select row_number
from raw.quarantine
where file_id = $1 and feed = $2 and expectation <> $3 and row_number is not null
