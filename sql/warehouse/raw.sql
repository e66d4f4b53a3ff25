-- What landed, as it landed. Ingest is the only writer; dbt's staging is the only reader.
-- Timestamps are UTC without a zone. JSON is text, so that another engine can hold it.

create schema if not exists raw;

-- One row a file that was looked at. It commits in the transaction that commits the file's rows,
-- so a crash leaves both or neither.
create table if not exists raw.manifest (
    file_id text primary key,           -- sha256 of path and content
    path text not null,                 -- below the landing zone
    feed text not null,                 -- which declaration in receivers/feeds took it
    bytes bigint not null,
    status text not null,
    reason text,                        -- why a whole file was quarantined
    rows_read bigint not null,
    rows_taken bigint not null,
    rows_duplicate bigint not null,     -- keys the warehouse already had
    rows_quarantined bigint not null,
    oldest_occurred_at timestamp,
    newest_occurred_at timestamp,
    landed_at timestamp not null,
    judged_at timestamp not null,       -- the wall clock then; "in the future" was measured against it
    constraint status_is_known check (status in ('taken', 'quarantined')),
    constraint every_row_is_accounted_for check (rows_read = rows_taken + rows_duplicate + rows_quarantined)
);

-- Every row that was refused, with the expectation that failed and the line as it came.
create table if not exists raw.quarantine (
    file_id text not null,
    path text not null,
    feed text not null,
    row_number bigint,                  -- null: the whole file
    reason text not null,               -- in words
    expectation text,                   -- its Great Expectations type
    column_name text,
    line text,                          -- the original, cut at 10,000 characters
    landed_at timestamp not null
);

-- The canonical event. Segment calls land here too: identify as `identify` (traits in properties),
-- alias as `alias` (properties.previous_id).
create table if not exists raw.events (
    event_id text not null,
    event_name text not null,
    user_id text,
    anonymous_id text,
    occurred_at timestamp not null,     -- orders behaviour
    landed_at timestamp not null,       -- drives ingestion; never goes backwards
    properties text not null,
    context text not null,
    source text not null,               -- the folder below landing/
    source_file text not null,
    constraint somebody_did_it check (user_id is not null or anonymous_id is not null)
);

-- One row a change of a profile; a null says nothing, an empty text clears.
create table if not exists raw.profiles (
    user_id text,
    anonymous_id text,
    email text,
    phone text,                         -- as given
    phone_e164 text,                    -- null where it cannot be a number
    phone_country text,
    phone_time_zones text,              -- JSON list of the IANA zones that number may be in
    first_name text,
    last_name text,
    time_zone text,
    language text,
    country text,
    push_token text,
    preferred_channel text,
    loyalty_tier text,
    traits text not null,               -- everything else, as JSON
    updated_at timestamp not null,
    landed_at timestamp not null,
    source text not null,
    source_file text not null,
    constraint somebody_has_it check (user_id is not null or anonymous_id is not null)
);

-- Consent with its proof. Append-only: the newest row of user, channel and purpose is in force.
create table if not exists raw.consents (
    user_id text not null,
    channel text not null,
    purpose text not null,              -- marketing | transactional
    status text not null,
    occurred_at timestamp not null,     -- when it was given or withdrawn
    consent_source text not null,       -- where: a form, a preference page, a reply
    wording_version text,
    attributes text,                    -- every other column, as JSON: more proof
    landed_at timestamp not null,
    source text not null,
    source_file text not null,
    constraint status_is_known check (status in ('given', 'withdrawn'))
);

-- One row a change of a product.
create table if not exists raw.products (
    product_id text not null,
    name text,
    category text,
    price double,
    currency text,
    image_url text,
    product_url text,
    stock bigint,
    attributes text,                    -- every other column, as JSON
    updated_at timestamp not null,
    landed_at timestamp not null,
    source text not null,
    source_file text not null
);

-- Codes the shop made, in pools. Whose they became is in the ledger.
create table if not exists raw.discount_codes (
    code text not null,
    pool text not null,
    label text,                         -- what it gives, in words: 10 % off
    expires_at timestamp,
    updated_at timestamp not null,
    landed_at timestamp not null,
    source text not null,
    source_file text not null
);

-- Sources with a shape of their own keep it, one JSON record a row; staging maps them.
create table if not exists raw.snowplow_events (
    row_id text not null, occurred_at timestamp not null, landed_at timestamp not null,
    record text not null, source_file text not null
);
create table if not exists raw.shopify_orders (
    row_id text not null, occurred_at timestamp not null, landed_at timestamp not null,
    record text not null, source_file text not null
);
create table if not exists raw.shopify_order_lines (
    row_id text not null, occurred_at timestamp not null, landed_at timestamp not null,
    record text not null, source_file text not null
);
create table if not exists raw.shopify_customers (
    row_id text not null, occurred_at timestamp not null, landed_at timestamp not null,
    record text not null, source_file text not null
);
create table if not exists raw.shopify_abandoned_checkouts (
    row_id text not null, occurred_at timestamp not null, landed_at timestamp not null,
    record text not null, source_file text not null
);
create table if not exists raw.shopify_products (
    row_id text not null, occurred_at timestamp not null, landed_at timestamp not null,
    record text not null, source_file text not null
);
create table if not exists raw.shopify_product_variants (
    row_id text not null, occurred_at timestamp not null, landed_at timestamp not null,
    record text not null, source_file text not null
);

-- How far a source that is a table was read. Ingest reads from here minus an overlap, because a
-- loader's transactions do not commit in the order of their load times.
create table if not exists raw.watermarks (
    feed text primary key,
    loaded_at timestamp not null        -- the newest load time seen
);

-- The ledger's journal, copied at the start of each tick from where the last copy ended.
create table if not exists raw.ledger_journal (
    seq bigint primary key,
    happened_at timestamp not null,
    kind text not null,                 -- state | engagement | suppression | route
    message_id text,
    from_state text,
    to_state text,                      -- for engagement: opened, clicked, replied, …
    is_machine boolean,
    candidate_id text,
    decision_id text,
    journey text,
    journey_version text,
    step text,
    message_class text,
    channel text,
    provider text,                      -- for route: the provider that is blocked or free again
    user_id text,
    entity_key text,
    event_id text,
    variant text,
    address_key text,                   -- for suppression: the address it is about
    scope text,                         -- for suppression: all | marketing
    reason text,
    copied_at timestamp not null
);
