-- The ledger: the only thing that knows what was sent. It may never be lost or guessed.
--
-- Times are UTC text 'YYYY-MM-DDTHH:MM:SS.ffffff', which sorts as time does. Booleans are 0 and 1.
-- What must hold is held here, by named constraints and triggers, and not only by the program.

begin immediate;

-- Where a message may go from where it stands; everything else is refused (see move_is_allowed).
create table if not exists allowed_moves (
    from_state text not null,
    to_state text not null,
    primary key (from_state, to_state)
) without rowid;

insert into allowed_moves (from_state, to_state) values
    -- on the way out
    ('planned', 'claimed'), ('claimed', 'in_flight'), ('in_flight', 'accepted'),
    -- nobody wrote down how the claim ended, and no byte had left
    ('claimed', 'planned'),
    -- known not sent
    ('in_flight', 'retry_wait'), ('retry_wait', 'planned'),
    -- not now: it has become quiet where the person is
    ('planned', 'retry_wait'),
    ('in_flight', 'route_blocked'), ('route_blocked', 'planned'),
    -- the provider's no
    ('in_flight', 'rejected'), ('in_flight', 'suppressed'),
    -- our own no: the request cannot be made, or the address was suppressed since
    ('planned', 'rejected'), ('planned', 'suppressed'),
    -- may have been sent; never straight back to planned
    ('in_flight', 'unknown'), ('unknown', 'accepted'), ('unknown', 'retry_wait'), ('unknown', 'held'),
    ('unknown', 'rejected'), ('unknown', 'suppressed'), ('unknown', 'route_blocked'), ('unknown', 'cancelled'),
    -- sent again under the same id, and an earlier attempt is still open when the time for that is over
    ('planned', 'unknown'), ('retry_wait', 'unknown'),
    ('planned', 'held'), ('claimed', 'held'), ('retry_wait', 'held'),
    -- an answer that came late, or a person's decision
    ('held', 'accepted'), ('held', 'retry_wait'), ('held', 'rejected'), ('held', 'suppressed'),
    ('held', 'route_blocked'), ('held', 'cancelled'),
    -- any unsent
    ('planned', 'expired'), ('retry_wait', 'expired'),
    ('planned', 'cancelled'), ('claimed', 'cancelled'), ('retry_wait', 'cancelled'),
    -- taken back at the provider before it reached anybody (see taken_back_when_asked)
    ('accepted', 'cancelled'), ('sent', 'cancelled'),
    -- receipts only move forward: accepted, sent, failed_late, delivered, read
    ('accepted', 'sent'), ('accepted', 'failed_late'), ('accepted', 'delivered'), ('accepted', 'read'),
    ('sent', 'failed_late'), ('sent', 'delivered'), ('sent', 'read'),
    ('failed_late', 'delivered'), ('failed_late', 'read'), ('delivered', 'read')
on conflict do nothing;

-- A receipt proves that the provider has the message, whatever we believed: it overtook the answer,
-- a backup was restored, or a lost attempt did get through. Such a message is not sent (again).
with believed (state) as (
    values ('planned'), ('claimed'), ('in_flight'), ('retry_wait'), ('unknown'), ('held'), ('route_blocked'),
    ('rejected'), ('suppressed'), ('expired'), ('cancelled')
),
proven (state) as (values ('accepted'), ('sent'), ('delivered'), ('read'))
insert into allowed_moves (from_state, to_state)
select
    believed.state,
    proven.state
from believed
cross join proven
where true
on conflict do nothing;

insert into allowed_moves (from_state, to_state) values
    ('planned', 'failed_late'), ('claimed', 'failed_late'), ('in_flight', 'failed_late'),
    ('retry_wait', 'failed_late'), ('unknown', 'failed_late'), ('held', 'failed_late')
on conflict do nothing;

-- One row a message. What identifies and addresses it is frozen when it is planned; only the
-- columns below `state` ever change. Kept narrow, because every move rewrites the row.
create table if not exists messages (
    message_no integer primary key,     -- ours alone: small joins for journal, attempts, receipts
    message_id text not null,
    candidate_id text not null,
    decision_id text not null,
    journey text not null,
    journey_version text not null,
    step text not null,
    message_class text not null,
    channel text not null,
    provider text not null,
    user_id text not null,
    entity_key text,
    event_id text not null,
    variant text,
    priority integer not null,
    address text not null,
    address_key text not null,          -- what suppressions are about: lower-case e-mail, E.164, token
    on_unknown text not null,
    due_at text not null,
    expires_at text not null,
    planned_at text not null,
    state text not null default 'planned',
    state_at text not null,
    reason text,                        -- why it stands there
    wake_at text,                       -- when to look again: due, end of the lease, next attempt or look-up
    attempts integer not null default 0,
    claim_token text,                   -- who may record; kept until somebody knows how the call ended
    provider_message_id text,
    resend_until text,                  -- an attempt's outcome is open; until then repeating it is harmless
    has_lost_attempt integer not null default 0,  -- given up on an outcome: a copy may be out there
    holds_candidate integer not null default 1,   -- 0 once it ended in a certain no
    constraint message_is_planned_once unique (message_id),
    constraint state_is_known check (state in (
        'planned', 'claimed', 'in_flight', 'retry_wait', 'unknown', 'accepted', 'sent', 'delivered', 'read',
        'rejected', 'suppressed', 'route_blocked', 'held', 'expired', 'cancelled', 'failed_late'
    )),
    constraint class_is_known check (message_class in ('transactional', 'marketing')),
    constraint on_unknown_is_known check (on_unknown in ('hold', 'drop', 'resend')),
    constraint waiting_states_have_a_wake_time check (
        (wake_at is not null) = (state in ('planned', 'claimed', 'in_flight', 'retry_wait', 'unknown'))
    ),
    constraint leases_have_a_token check (state not in ('claimed', 'in_flight') or claim_token is not null),
    constraint attempts_are_counted check (attempts >= 0),
    constraint flags_are_booleans check (has_lost_attempt in (0, 1) and holds_candidate in (0, 1))
);

-- One candidate never has two messages that were, may have been or may still be sent. Fallback to
-- another channel is a new message, possible only after a certain no (see release_candidate).
create unique index if not exists messages_one_per_candidate
on messages (candidate_id) where holds_candidate = 1;

-- Claiming: most urgent first. The tail lets expired and stopped rows be passed over in the index.
create index if not exists messages_to_claim
on messages (provider, (message_class = 'marketing'), priority desc, due_at, journey, expires_at)
where state = 'planned';

-- Sweep, due retries and reconciliation. Of the few that wait, not of the millions that are over:
-- their receipts then move them without touching it.
create index if not exists messages_waiting on messages (state, wake_at) where wake_at is not null;

-- What a person has to decide, in the order it was planned.
create index if not exists messages_held on messages (state) where state = 'held';

create index if not exists messages_to_expire on messages (expires_at) where state in ('planned', 'retry_wait');

create index if not exists messages_to_resend
on messages (resend_until) where resend_until is not null and state in ('planned', 'retry_wait');

create index if not exists messages_by_provider_id
on messages (provider_message_id) where provider_message_id is not null;

-- One person's messages, for preferences and explain; the newest message to an address, for replies.
create index if not exists messages_of_user on messages (user_id);
create index if not exists messages_to_address on messages (address_key);

-- The frozen bytes, apart from the message so that a move does not rewrite them.
create table if not exists requests (
    message_no integer primary key references messages (message_no),
    method text not null,
    path text not null,
    headers text not null,              -- JSON object, no secrets
    body blob not null,
    body_sha256 text not null
);

-- One row a call, committed before its first byte leaves. Without an outcome: nobody wrote it down.
create table if not exists attempts (
    attempt_id integer primary key,
    message_no integer not null references messages (message_no),
    claim_token text not null,
    body_sha256 text not null,          -- of the bytes that were handed to the network
    started_at text not null,
    finished_at text,
    outcome text,
    reason text,
    provider_message_id text,
    raw text,                           -- the provider's own words
    constraint outcome_is_known check (
        outcome in ('accepted', 'retry', 'rejected', 'suppressed', 'route_blocked', 'unknown')
    ),
    constraint finished_means_an_outcome check ((finished_at is null) = (outcome is null))
);

create index if not exists attempts_of_message on attempts (message_no);

-- What was accepted, waits at the provider for its person and is to be taken back. A row is on the disk before the
-- provider is asked; from `wake_at` on it is asked again, while nobody wrote down what came of it: to take back twice
-- harms nobody.
create table if not exists revocations (
    message_no integer primary key references messages (message_no),
    provider text not null,
    reason text not null,               -- why it must not reach the person any more
    started_at text not null,
    wake_at text,
    attempts integer not null default 0,
    finished_at text,
    outcome text,                       -- too_late: it was delivered, failed or expired before
    answer text,                        -- what the provider said last, in our words
    constraint outcome_is_known check (outcome in ('taken_back', 'too_late', 'refused')),
    constraint finished_means_an_outcome check ((finished_at is null) = (outcome is null)),
    constraint asked_until_finished check ((wake_at is null) = (outcome is not null))
);

create index if not exists revocations_waiting on revocations (provider, wake_at) where wake_at is not null;

-- What providers said afterwards, each thing once. `message_no` is null while nobody here knows the
-- message; the receipt is applied when its id becomes known.
create table if not exists receipts (
    receipt_no integer primary key,
    provider text not null,
    event_key text not null,
    kind text not null,
    occurred_at text not null,
    received_at text not null,
    message_id text,
    provider_message_id text,
    address_key text,
    reason text not null,
    is_machine integer not null,
    raw text not null,
    message_no integer references messages (message_no),
    constraint receipt_counts_once unique (provider, event_key),
    constraint kind_is_known check (kind in (
        'accepted', 'sent', 'delivered', 'read', 'failed', 'deferred',
        'opened', 'clicked', 'replied', 'bounced', 'complained', 'unsubscribed'
    )),
    constraint is_machine_is_boolean check (is_machine in (0, 1))
);

create index if not exists receipts_waiting_for_message
on receipts (message_id) where message_no is null and message_id is not null;

-- What came about an address and no message, for whoever asks what is held about it.
create index if not exists receipts_of_address
on receipts (address_key) where message_no is null and address_key is not null;

create index if not exists receipts_waiting_for_provider_id
on receipts (provider_message_id) where message_no is null and provider_message_id is not null;

create table if not exists suppressions (
    address_key text not null,
    scope text not null,                -- all: nothing at all; marketing: nothing but transactional
    is_active integer not null,
    reason text not null,
    changed_at text not null,
    message_no integer references messages (message_no),  -- the message it came from, if any
    primary key (address_key, scope),
    constraint scope_is_known check (scope in ('all', 'marketing')),
    constraint is_active_is_boolean check (is_active in (0, 1))
) without rowid;

-- What a person said no to on a page of ours, for what a running tick decided before: the address it chose
-- may be one that we have never written to, or one that another channel may still use. What is decided
-- later knows the "no" as consent, so it holds for messages planned up to `holds_until`.
create table if not exists refusals (
    user_id text not null,
    channel text not null,
    message_class text not null,
    is_active integer not null,
    reason text not null,
    changed_at text not null,
    holds_until text not null,
    primary key (user_id, channel, message_class),
    constraint class_is_known check (message_class in ('transactional', 'marketing')),
    constraint is_active_is_boolean check (is_active in (0, 1)),
    constraint holds_from_when_it_was_said check (holds_until >= changed_at or is_active = 0)
) without rowid;

-- Whose a discount code is, for ever: one code a message, one message a code, however it is spelt. Written
-- before the message is planned, so it names the message by the id that never changes.
create table if not exists discount_codes (
    code text not null collate nocase,
    pool text not null,
    message_id text not null,
    label text,
    expires_at text,
    granted_at text not null,
    constraint code_is_given_once primary key (code),
    constraint message_has_one_code unique (message_id)
) without rowid;

create index if not exists discount_codes_of_pool on discount_codes (pool);

-- One row a provider that ever had a message. Blocked: account or configuration is wrong.
create table if not exists routes (
    provider text primary key,
    channel text not null,
    is_blocked integer not null default 0,
    reason text not null default '',
    changed_at text not null,
    constraint is_blocked_is_boolean check (is_blocked in (0, 1))
) without rowid;

-- Until when a provider asked to be left alone, also by the ticks and workers that come after.
create table if not exists route_pauses (
    provider text primary key,
    paused_until text not null
) without rowid;

create index if not exists route_pauses_to_end on route_pauses (paused_until);

-- Whose answers failed again and again: the circuit breaker of a route, the same for all ticks and workers.
-- `failures` in a row; at enough of them it opens, and nothing is claimed before `open_until`. From then on one
-- message is claimed to see. `openings` in a row make the pause longer.
create table if not exists route_breakers (
    provider text primary key,
    failures integer not null default 0,
    openings integer not null default 0,
    reason text not null,
    open_until text,
    first_failed_at text not null,
    constraint failures_are_counted check (failures >= 0 and openings >= 0),
    constraint who_opened_has_an_end check ((openings > 0) = (open_until is not null))
) without rowid;

create index if not exists route_breakers_to_end on route_breakers (open_until) where open_until is not null;

-- How many calls a route that warms up was given on a day (UTC), by all who send through it.
create table if not exists route_days (
    provider text not null,
    sent_on text not null,
    calls integer not null,
    primary key (provider, sent_on),
    constraint calls_are_counted check (calls >= 0)
) without rowid;

-- The kill switch: a person stops everything, a provider's route or a journey.
create table if not exists switches (
    scope text not null,
    name text not null,                 -- the provider or the journey; empty for all
    is_stopped integer not null,
    reason text not null,
    changed_at text not null,
    primary key (scope, name),
    constraint scope_is_known check (scope in ('all', 'route', 'journey')),
    constraint all_has_no_name check ((scope = 'all') = (name = '')),
    constraint is_stopped_is_boolean check (is_stopped in (0, 1))
) without rowid;

-- Who is erased: keyed hashes (HMAC-SHA256, the key is not in here) of their ids and addresses, so that what
-- comes again about them is known, and nothing here says who they were. `suppressed_scope`: the address had
-- objected before, which outlasts a return.
create table if not exists erased (
    mark text primary key,
    kind text not null,
    erasure_id text not null,
    suppressed_scope text,
    erased_at text not null,
    constraint kind_is_known check (kind in ('id', 'address', 'key'))
) without rowid;

-- What was erased, where and when: the receipt that can be shown later.
create table if not exists erasures (
    erasure_id text primary key,
    erased_at text not null,
    receipt text not null               -- JSON, without a word of the person
) without rowid;

-- Each time a ledger was restored from a backup, its journal goes on with numbers that no journal before it had.
-- What an earlier one wrote after `last_seq` and below `first_seq` happened, and is lost here.
create table if not exists timelines (
    first_seq integer primary key,
    last_seq integer not null,
    restored_at text not null,
    constraint it_goes_on_later check (first_seq > last_seq)
);

-- Everything that happened, in the order it was written; the warehouse copies it by `seq`.
-- What never changes about a message is joined when it is read.
create table if not exists journal (
    seq integer primary key,
    happened_at text not null,
    kind text not null,
    message_no integer references messages (message_no),
    from_state text,
    to_state text not null,
    is_machine integer,
    channel text,
    provider text,
    address_key text,
    scope text,
    reason text,
    constraint kind_is_known check (kind in ('state', 'engagement', 'suppression', 'route'))
);

create index if not exists journal_of_address on journal (address_key) where address_key is not null;

create index if not exists journal_of_message on journal (message_no) where message_no is not null;

-- Moves ----------------------------------------------------------------------------------------

create trigger if not exists starts_planned before insert on messages
when new.state <> 'planned'
begin
    select raise(abort, 'starts_planned: a message enters the ledger as planned');
end;

create trigger if not exists move_is_allowed before update of state on messages
when new.state <> old.state and not exists (
    select 1 from allowed_moves where from_state = old.state and to_state = new.state
)
begin
    select raise(abort, 'move_is_allowed: allowed_moves has no such move');
end;

create trigger if not exists intent_comes_first before update of state on messages
when new.state = 'in_flight' and old.state <> 'in_flight' and not exists (
    select 1 from attempts where message_no = new.message_no and claim_token = new.claim_token
)
begin
    select raise(abort, 'intent_comes_first: no attempt row of this claim');
end;

create trigger if not exists taken_back_when_asked before update of state on messages
when old.state in ('accepted', 'sent') and new.state = 'cancelled' and not exists (
    select 1 from revocations where message_no = new.message_no
)
begin
    select raise(abort, 'taken_back_when_asked: what was sent is cancelled by its provider alone');
end;

create trigger if not exists journal_planned after insert on messages
begin
    insert into journal (happened_at, kind, message_no, to_state) values (new.state_at, 'state', new.message_no, new.state);
end;

create trigger if not exists journal_move after update of state on messages
when new.state <> old.state
begin
    insert into journal (happened_at, kind, message_no, from_state, to_state, reason)
    values (new.state_at, 'state', new.message_no, old.state, new.state, new.reason);
end;

-- A receipt that later proves the no wrong must not collide with the fallback it allowed: see reached_after_all.
create trigger if not exists release_candidate after update of state on messages
when new.state in ('rejected', 'suppressed', 'expired', 'cancelled', 'failed_late')
    and new.has_lost_attempt = 0 and new.holds_candidate = 1
begin
    update messages set holds_candidate = 0 where message_no = new.message_no;
end;

-- The no was wrong: whoever was to be reached by another message is reached. One that has not left does not leave, and
-- none is planned any more, unless one is on its way already.
create trigger if not exists reached_after_all after update of state on messages
when new.state in ('accepted', 'sent', 'delivered', 'read') and new.holds_candidate = 0
begin
    update messages set
        state = case when resend_until is null then 'cancelled' else 'held' end,
        state_at = max(state_at, new.state_at), reason = 'reached_after_all', wake_at = null
    where
        candidate_id = new.candidate_id and holds_candidate = 1
        and state in ('planned', 'claimed', 'retry_wait');
    update messages set holds_candidate = 1
    where
        message_no = new.message_no
        and not exists (
            select 1 from messages as other where other.candidate_id = new.candidate_id and other.holds_candidate = 1
        );
end;

-- What is frozen -------------------------------------------------------------------------------
-- It may be erased, never altered: the person and the bytes for nothing that says who it was.

drop trigger if exists message_is_frozen;
drop trigger if exists request_is_frozen;
drop trigger if exists journal_is_written_once;

create trigger if not exists message_is_frozen before update of
message_no, message_id, candidate_id, decision_id, journey, journey_version, step, message_class, channel,
provider, variant, priority, on_unknown, due_at, expires_at, planned_at on messages
begin
    select raise(abort, 'message_is_frozen: this column is fixed when the message is planned');
end;

create trigger if not exists person_is_frozen before update of user_id, entity_key, event_id, address, address_key
on messages
when not (
    new.user_id like 'erased:%' and new.event_id like 'erased:%' and new.address = '' and new.address_key = ''
    and (new.entity_key is null or new.entity_key like 'erased:%')
)
begin
    select raise(abort, 'message_is_frozen: the person may be erased, and not be changed');
end;

create trigger if not exists request_is_frozen before update on requests
when not (new.message_no = old.message_no and length(new.body) = 0 and new.headers = '{}' and new.path = '')
begin
    select raise(abort, 'request_is_frozen: every attempt sends the same bytes');
end;

create trigger if not exists attempt_sends_the_frozen_bytes before insert on attempts
when not exists (
    select 1 from requests where message_no = new.message_no and body_sha256 = new.body_sha256
)
begin
    select raise(abort, 'attempt_sends_the_frozen_bytes: these are not the bytes that were planned');
end;

create trigger if not exists messages_stay before delete on messages
begin
    select raise(abort, 'messages_stay: the ledger forgets nothing');
end;

create trigger if not exists attempts_stay before delete on attempts
begin
    select raise(abort, 'attempts_stay: the ledger forgets nothing');
end;

create trigger if not exists revocations_stay before delete on revocations
begin
    select raise(abort, 'revocations_stay: the ledger forgets nothing');
end;

create trigger if not exists code_is_given_for_ever before update on discount_codes
begin
    select raise(abort, 'code_is_given_for_ever: it belongs to its message');
end;

create trigger if not exists codes_stay before delete on discount_codes
begin
    select raise(abort, 'codes_stay: a code that is free again would be given twice');
end;

create trigger if not exists journal_stays before delete on journal
begin
    select raise(abort, 'journal_stays: the warehouse copies it by seq');
end;

create trigger if not exists journal_is_written_once before update on journal
when not (
    new.address_key is null
    and new.seq = old.seq and new.happened_at = old.happened_at and new.kind = old.kind
    and new.to_state = old.to_state and new.message_no is old.message_no and new.from_state is old.from_state
    and new.is_machine is old.is_machine and new.channel is old.channel and new.provider is old.provider
    and new.scope is old.scope and new.reason is old.reason
)
begin
    select raise(abort, 'journal_is_written_once: the warehouse copies it by seq');
end;

-- Engagement, suppressions, routes -------------------------------------------------------------

create trigger if not exists journal_engagement after insert on receipts
when new.message_no is not null
    and new.kind in ('opened', 'clicked', 'replied', 'bounced', 'complained', 'unsubscribed')
begin
    insert into journal (happened_at, kind, message_no, to_state, is_machine, reason)
    values (
        min(new.occurred_at, new.received_at), 'engagement', new.message_no, new.kind, new.is_machine, new.reason
    );
end;

create trigger if not exists journal_late_engagement after update of message_no on receipts
when old.message_no is null and new.message_no is not null
    and new.kind in ('opened', 'clicked', 'replied', 'bounced', 'complained', 'unsubscribed')
begin
    insert into journal (happened_at, kind, message_no, to_state, is_machine, reason)
    values (
        min(new.occurred_at, new.received_at), 'engagement', new.message_no, new.kind, new.is_machine, new.reason
    );
end;

create trigger if not exists journal_suppressed after insert on suppressions
begin
    insert into journal (happened_at, kind, message_no, to_state, address_key, scope, reason)
    values (new.changed_at, 'suppression', new.message_no, 'suppressed', new.address_key, new.scope, new.reason);
end;

create trigger if not exists journal_suppression_change after update of is_active on suppressions
when new.is_active <> old.is_active
begin
    insert into journal (happened_at, kind, message_no, to_state, address_key, scope, reason)
    values (
        new.changed_at, 'suppression', new.message_no,
        case new.is_active when 1 then 'suppressed' else 'lifted' end,
        new.address_key, new.scope, new.reason
    );
end;

create trigger if not exists journal_route_blocked after insert on routes
when new.is_blocked = 1
begin
    insert into journal (happened_at, kind, to_state, channel, provider, reason)
    values (new.changed_at, 'route', 'blocked', new.channel, new.provider, new.reason);
end;

create trigger if not exists journal_route_change after update of is_blocked on routes
when new.is_blocked <> old.is_blocked
begin
    insert into journal (happened_at, kind, from_state, to_state, channel, provider, reason)
    values (
        new.changed_at, 'route',
        case old.is_blocked when 1 then 'blocked' else 'free' end,
        case new.is_blocked when 1 then 'blocked' else 'free' end,
        new.channel, new.provider, new.reason
    );
end;

pragma user_version = 9;

commit;
