-- The keys of a raw table as 64 bits each, and when their rows landed. Whether a key was ever used before is asked
-- of these: a long history's own keys are text, ten times as much to read at every tick.
create schema if not exists keys;
create table if not exists {keys} (
    key_hash ubigint not null,
    landed_at timestamp not null
)
