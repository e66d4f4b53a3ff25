-- The rules of a feed; each is a bit of mapped.failed.
create or replace temp table rules (
    bit bigint not null,            -- 0: the rule that a key is used for one thing only
    enough bigint not null,         -- bits that make this one needless to say
    expectation text not null,      -- its Great Expectations type
    column_name text not null,
    reason text not null
)
