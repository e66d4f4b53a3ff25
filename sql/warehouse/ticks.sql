-- The warehouse's own clock: one row a tick, written before anything of that tick. Time only moves
-- forward in a warehouse, because what a model decided at noon cannot be undone at eleven.
create schema if not exists raw;

create table if not exists raw.ticks (
    as_of timestamp not null,           -- the tick's one clock, UTC
    began_at timestamp not null,        -- the wall clock, UTC
    run_id text not null                -- Dagster's
);
