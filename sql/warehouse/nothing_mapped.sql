-- For files that belong to no feed: there are no rows to judge.
create or replace temp table mapped (
    file_no integer, row_number bigint, unreadable text, failed bigint, occurred_at timestamp
);
create or replace temp table verdicts (file_no integer, row_number bigint, verdict text);
create or replace temp table arrived (file_no integer, row_number bigint, unreadable text, line text, doc text)
