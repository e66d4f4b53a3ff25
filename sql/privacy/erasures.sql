-- Erasures that this warehouse has been through, with their marks (senders/erased.py): should the ledger be restored
-- from a backup older than one, it learns of it from here, and the other way round.
create schema if not exists raw;
create table if not exists raw.erasures (
    erasure_id text primary key,
    erased_at timestamp not null,
    marks text not null,                -- JSON: [{mark, kind, suppressed_scope}]
    receipt text not null               -- JSON, without a word of the person
)
;
-- Up to when what landed was looked through for people who are erased.
create table if not exists raw.looked_through (landed_at timestamp not null)
