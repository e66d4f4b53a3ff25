-- The person that is asked about. `ids`: the ids of theirs as events spell them, each with the time in which it was
-- theirs (a device may pass on). `addresses`: where they can be reached, as the ledger spells it.
create or replace temp table told (given_id text, address_key text);
create or replace temp table ids (given_id text, valid_from timestamp, valid_to timestamp);
create or replace temp table addresses (address_key text);
create or replace temp table event_ids (event_id text);
