-- The tables whose rows stay when a person is erased, without the person: they are the record that key figures are
-- counted from. What each column becomes: `person` the name that stands for them, `thing` a name for the same cart,
-- order or event wherever it is named (what the catalogue names is nobody's), `nothing` null, anything else that very
-- text. `only`: which of the rows; the others go. A table that is not named here loses all of the person's rows.
select kept.*
from (
    values
    ('decisions.fct_decisions', 'user_id', 'person', 'true'),
    ('decisions.fct_decisions', 'entity_key', 'thing', 'true'),
    ('decisions.fct_decisions', 'event_id', 'thing', 'true'),
    ('decisions.fct_decisions', 'blocking_id', 'thing of theirs', 'true'),
    ('decisions.fct_entries', 'user_id', 'person', 'true'),
    ('decisions.fct_entries', 'entity_key', 'thing', 'true'),
    ('decisions.fct_entries', 'event_id', 'thing', 'true'),
    ('decisions.fct_entries', 'payload', '{}', 'true'),
    -- A step that was not decided for good would be decided again, of nobody.
    ('decisions.fct_entry_steps', 'user_id', 'person', 'candidate_id in (from settled)'),
    ('decisions.fct_entry_steps', 'entity_key', 'thing', 'candidate_id in (from settled)'),
    ('decisions.fct_entry_steps', 'event_id', 'thing', 'candidate_id in (from settled)'),
    ('decisions.int_assignments', 'user_id', 'person', 'true'),
    ('decisions.int_assignments', 'cluster_id', 'person', 'true'),
    ('decisions.int_ledger_base', 'user_id', 'person', 'true'),
    ('decisions.int_ledger_base', 'entity_key', 'thing', 'true'),
    ('decisions.int_ledger_base', 'event_id', 'thing', 'true'),
    ('decisions.int_ledger_base', 'address_key', 'nothing', 'true'),
    ('raw.ledger_journal', 'user_id', 'person', 'true'),
    ('raw.ledger_journal', 'entity_key', 'thing', 'true'),
    ('raw.ledger_journal', 'event_id', 'thing', 'true'),
    ('raw.ledger_journal', 'address_key', 'nothing', 'true'),
    ('segments.fct_segment_memberships', 'user_id', 'person', 'true'),
    -- What a journey was for: without it, who was treated and who was not could no longer be compared.
    ('people.int_kept_events', 'given_id', 'person', 'true'),
    ('people.int_kept_events', 'event_id', 'thing', 'true'),
    ('people.int_kept_events', 'cart_id', 'thing', 'true'),
    ('people.int_kept_events', 'order_id', 'thing', 'true'),
    ('people.int_kept_events', 'properties', '{}', 'true'),
    ('staging.int_events', 'given_id', 'person', 'event_name in (from goals)'),
    ('staging.int_events', 'user_id', 'person', 'event_name in (from goals)'),
    ('staging.int_events', 'anonymous_id', 'nothing', 'event_name in (from goals)'),
    ('staging.int_events', 'event_id', 'thing', 'event_name in (from goals)'),
    ('staging.int_events', 'event_hash', '0', 'event_name in (from goals)'),
    ('staging.int_events', 'cart_id', 'thing', 'event_name in (from goals)'),
    ('staging.int_events', 'order_id', 'thing', 'event_name in (from goals)'),
    ('staging.int_events', 'email', 'nothing', 'event_name in (from goals)'),
    ('staging.int_events', 'url', 'nothing', 'event_name in (from goals)'),
    ('staging.int_events', 'image_url', 'nothing', 'event_name in (from goals)'),
    ('staging.int_events', 'time_zone', 'nothing', 'event_name in (from goals)'),
    ('staging.int_events', 'network_time_zone', 'nothing', 'event_name in (from goals)'),
    ('staging.int_events', 'network_country', 'nothing', 'event_name in (from goals)'),
    ('staging.int_events', 'properties', '{}', 'event_name in (from goals)')
) as kept (relation, column_name, becomes, only_rows)
