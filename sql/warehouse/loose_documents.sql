-- Documents that may hold what JSON does not have (NaN, Infinity, a comma at the end) although the
-- database takes it. A text that looks like it is among them; whoever reads them finds out.
select row_number, doc
from arrived
where file_no = ? and regexp_matches(doc, '(?i)[:,\[{]\s*-?(nan|inf)|,\s*[}\]]')
