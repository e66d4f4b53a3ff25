-- The files that are looked at together, and why a file as a whole cannot be read.
create or replace temp table files (
    file_no integer not null,
    file_id text not null,
    path text not null,             -- below the landing zone
    bytes bigint not null,
    reason text
)
