-- Rows as the raw table wants them, with the rules that each fails.
create or replace temp table mapped as
with presented as (
    select given.*, {phones}
    from given
    {joins}
),

worked_out as (
    select file_no, row_number, unreadable, {types}, {columns}
    from presented
)

select *, {failed} as failed
from worked_out
