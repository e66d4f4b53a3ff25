-- Documents that were made strict JSON, or found to be none.
update arrived
set doc = mended.doc, unreadable = mended.unreadable, line = mended.line
from mended
where arrived.file_no = mended.file_no and arrived.row_number = mended.row_number
