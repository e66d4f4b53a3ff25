"""The database itself keeps the moves, the frozen columns and the journal, whatever program writes."""

import re
import sqlite3
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from letters import NOON, ended, in_flight, is_on_a_server, letter, planned, tamper

from senders.contract import EventKind, Outcome, ProviderEvent, State
from senders.entries import Settlement
from senders.ledger import JOURNAL_COLUMNS, Ledger, address_key
from senders.ledger_postgresql import statement
from senders.settings import REPOSITORY
from senders.store import QUERIES, query

MINUTE = timedelta(minutes=1)

# The drawn state machine: what may follow what. Receipts may move anything forward on top of it.
DRAWN = {
    State.PLANNED: "claimed retry_wait rejected suppressed expired cancelled unknown held",
    State.CLAIMED: "in_flight planned cancelled held",
    State.IN_FLIGHT: "accepted retry_wait rejected suppressed route_blocked unknown",
    State.RETRY_WAIT: "planned expired cancelled unknown held",
    State.ROUTE_BLOCKED: "planned",
    State.UNKNOWN: "accepted retry_wait held rejected suppressed route_blocked cancelled",
    State.ACCEPTED: "cancelled",  # taken back
    State.SENT: "cancelled",
    State.HELD: "accepted retry_wait rejected suppressed route_blocked cancelled",
}
FORWARD = [State.ACCEPTED, State.SENT, State.FAILED_LATE, State.DELIVERED, State.READ]
ENDED = (State.REJECTED, State.SUPPRESSED, State.EXPIRED, State.CANCELLED)


def may_follow(before: State, after: State) -> bool:
    if after.value in DRAWN.get(before, "").split():
        return True
    if before in FORWARD:
        return after in FORWARD[FORWARD.index(before) + 1 :]
    if after is State.FAILED_LATE:  # what ended, or met a blocked route, does not end again
        return before not in (*ENDED, State.ROUTE_BLOCKED)
    return after in FORWARD


def forced(ledger: Ledger, message_no: int, state: State) -> None:
    """Put a message in a state past every rule, to see what the rules say about leaving it."""
    if is_on_a_server(ledger):
        tamper(ledger, "alter table messages disable trigger move_is_allowed")
        move(ledger, message_no, state)
        tamper(ledger, "alter table messages enable trigger move_is_allowed")
        return
    (guard,) = tamper(ledger, "select sql from sqlite_schema where name = 'move_is_allowed'").fetchone()
    tamper(ledger, "drop trigger move_is_allowed")
    move(ledger, message_no, state)
    tamper(ledger, guard)


def move(ledger: Ledger, message_no: int, state: State) -> None:
    waits = state in (State.PLANNED, State.CLAIMED, State.IN_FLIGHT, State.RETRY_WAIT, State.UNKNOWN)
    wake_at = "'2022'" if waits else "null"
    tamper(
        ledger,
        f"update messages set state = '{state.value}', wake_at = {wake_at} where message_no = {message_no}",
    )


def test_only_the_drawn_moves_and_receipts_forward_are_allowed(ledger):
    (attempt,) = in_flight(ledger, letter("anna"))
    number = attempt.claim.message_no
    tamper(
        ledger,
        f"insert into revocations values ({number}, 'postal', '', '2022', '2022', 0, null, null, null)",
    )
    wrong = []
    for before, after in product(State, State):
        if before is after:
            continue
        forced(ledger, number, before)
        try:
            move(ledger, number, after)
            is_allowed = True
        except sqlite3.IntegrityError as error:
            assert "move_is_allowed" in str(error)  # noqa: PT017
            is_allowed = False
        if is_allowed != may_follow(before, after):
            wrong.append((before.value, after.value, is_allowed))
    assert wrong == []


def test_no_message_is_in_flight_without_an_attempt_of_its_claim(ledger):
    planned(ledger, letter("anna"))
    (claim,) = ledger.claim(NOON, "postal", 1, 60).claims
    with pytest.raises(sqlite3.IntegrityError, match="intent_comes_first"):
        move(ledger, claim.message_no, State.IN_FLIGHT)


TAMPERING = {
    "update messages set address = 'someone@else.com'": "message_is_frozen",
    "update messages set channel = 'rcs', provider = 'other'": "message_is_frozen",
    "update messages set expires_at = '2099'": "message_is_frozen",
    "update requests set body = body": "request_is_frozen",
    "delete from messages": "messages_stay",
    "delete from attempts": "attempts_stay",
    "delete from journal": "journal_stays",
    "update journal set to_state = 'read'": "journal_is_written_once",
    "update messages set wake_at = null": "waiting_states_have_a_wake_time",
    "update messages set claim_token = null": "leases_have_a_token",
    "update messages set attempts = -1": "attempts_are_counted",
    "update attempts set outcome = 'accepted'": "finished_means_an_outcome",
    "update attempts set outcome = 'perhaps', finished_at = '2022'": "outcome_is_known",
    "insert into switches values ('all', 'rcs', 1, '', '2022')": "all_has_no_name",
    "insert into suppressions values ('a@b.c', 'some', 1, '', '2022', null)": "scope_is_known",
}


@pytest.mark.parametrize("statement", TAMPERING)
def test_the_database_refuses(ledger, statement):
    in_flight(ledger, letter("anna"))
    with pytest.raises(sqlite3.IntegrityError, match=TAMPERING[statement]):
        tamper(ledger, statement)


def test_a_message_enters_the_ledger_as_planned(ledger):
    planned(ledger, letter("anna"))
    columns = list(tamper(ledger, "select * from messages").fetchone().keys())[1:]
    copied = ", ".join(
        {"message_id": "'other'", "candidate_id": "'other'", "state": "'accepted'"}.get(c, c) for c in columns
    )
    with pytest.raises(sqlite3.IntegrityError, match="starts_planned"):
        tamper(ledger, f"insert into messages ({', '.join(columns)}) select {copied} from messages")


# The journal


def test_the_journal_has_the_columns_the_warehouse_copies():
    raw = (REPOSITORY / "sql" / "warehouse" / "raw.sql").read_text()
    table = raw[raw.index("create table if not exists raw.ledger_journal") :]
    names = re.findall(r"^    (\w+) \w+", table[: table.index(");")], re.MULTILINE)
    assert (*JOURNAL_COLUMNS, "copied_at") == tuple(names)


def rows(ledger: Ledger, *columns: str) -> list[tuple]:
    return [
        tuple(dict(zip(JOURNAL_COLUMNS, row, strict=True))[column] for column in columns)
        for row in ledger.journal_since(0, 1_000_000)
    ]


def test_a_message_is_journaled_with_all_it_is_about(ledger):
    message = letter("anna", variant="b")
    planned(ledger, message)
    (row,) = ledger.journal_since(0, 10)
    known = dict(zip(JOURNAL_COLUMNS, row, strict=True))
    for column in (
        "message_id",
        "candidate_id",
        "decision_id",
        "journey",
        "step",
        "channel",
        "user_id",
        "variant",
    ):
        assert known[column] == getattr(message, column)
    assert (known["happened_at"], known["kind"], known["to_state"]) == (
        "2022-11-05T12:00:00.000000",
        "state",
        "planned",
    )
    assert (known["provider"], known["is_machine"]) == ("postal", None)
    assert known["address_key"] == address_key(message.address)


def test_suppressions_and_routes_are_journaled_when_they_change_and_only_then(ledger):
    for _ in range(2):
        ledger.suppress("Anna@Example.com", "marketing", "asked", NOON)
        ledger.block_route("postal", "sms", "credentials_refused", NOON)
    for _ in range(2):
        ledger.unsuppress("anna@example.com", "marketing", "came back", NOON)
        ledger.free_route("postal", "new key", NOON)
    assert rows(ledger, "kind", "to_state", "address_key", "scope", "channel", "provider", "reason") == [
        ("suppression", "suppressed", "anna@example.com", "marketing", None, None, "asked"),
        ("route", "blocked", None, None, "sms", "postal", "credentials_refused"),
        ("suppression", "lifted", "anna@example.com", "marketing", None, None, "came back"),
        ("route", "free", None, None, "sms", "postal", "new key"),
    ]


def test_the_journal_is_read_in_pages(ledger):
    planned(ledger, *(letter(name) for name in "abcdefg"))
    seen, seq = [], 0
    while page := list(ledger.journal_since(seq, 3)):
        seen += page
        seq = page[-1][0]
    assert [row[0] for row in seen] == [1, 2, 3, 4, 5, 6, 7]
    assert ledger.last_seq() == 7


# Whatever happens, in whatever order, the journal tells it.

NAMES = "ab"
STEPS = {
    "plan": lambda ledger, now, held, name: planned(ledger, letter(name), now=now),
    "claim": lambda ledger, now, held, name: held["claims"].extend(ledger.claim(now, "postal", 1, 60).claims),
    "intend": lambda ledger, now, held, name: held["attempts"].extend(ledger.intent(now, held["claims"], 15)),
    "release": lambda ledger, now, held, name: ledger.release(now, held["claims"], "stopped"),
    "sweep": lambda ledger, now, held, name: ledger.sweep(now),
    "cancel": lambda ledger, now, held, name: ledger.cancel(letter(name).message_id, "bought", now),
    "suppress": lambda ledger, now, held, name: ledger.suppress(letter(name).address, "all", "stop", now),
    "unsuppress": lambda ledger, now, held, name: ledger.unsuppress(letter(name).address, "all", "back", now),
    "hold": lambda ledger, now, held, name: ledger.settle(
        now,
        [Settlement(unknown, State.HELD, "nobody_knows") for unknown in ledger.unknown_due(now, "postal", 9)],
    ),
    "repeat": lambda ledger, now, held, name: ledger.settle(
        now,
        [
            Settlement(unknown, State.RETRY_WAIT, "repeat", now, resend_until=now + MINUTE)
            for unknown in ledger.unknown_due(now, "postal", 9)
        ],
    ),
    "decide": lambda ledger, now, held, name: ledger.decide_held(
        letter(name).message_id, is_sent_again=True, reason="asked", now=now
    ),
    **{
        f"record {outcome.value}": lambda ledger, now, held, name, outcome=outcome: ledger.record(
            now, ended(held["attempts"], outcome, provider_message_id=f"L{name}")
        )
        for outcome in Outcome
    },
    **{
        f"receipt {kind.value}": lambda ledger, now, held, name, kind=kind: ledger.apply_receipts(
            [ProviderEvent(f"{kind}-{name}", "postal", kind, now, message_id=letter(name).message_id)], now
        )
        for kind in EventKind
    },
}


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(STEPS)), st.sampled_from(NAMES), st.integers(0, 40)), max_size=30
    )
)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_journal_replayed_is_the_ledger(new_place, steps):
    now, held = NOON, {"claims": [], "attempts": []}
    with Ledger(new_place()) as ledger:
        for step, name, minutes in steps:
            now += timedelta(minutes=minutes)
            STEPS[step](ledger, now, held, name)
            assert_told(ledger)


def assert_told(ledger: Ledger) -> None:
    """Each message's moves in the journal form one chain that ends where the message stands."""
    standing: dict[str, str | None] = {}
    for kind, message_id, before, after in rows(ledger, "kind", "message_id", "from_state", "to_state"):
        if kind == "state":
            assert standing.get(message_id) == before
            assert before is None or may_follow(State(before), State(after))
            standing[message_id] = after
    stored = tamper(ledger, "select message_id, state from messages").fetchall()
    assert standing == {row["message_id"]: row["state"] for row in stored}
    told = {
        (key, scope): after
        for kind, key, scope, after in rows(ledger, "kind", "address_key", "scope", "to_state")
        if kind == "suppression"
    }
    kept = tamper(ledger, "select address_key, scope from suppressions where is_active = 1")
    assert {tuple(row) for row in kept} == {about for about, after in told.items() if after == "suppressed"}


# Ten million messages


ONCE_A_PERSON = {  # who asks what is held about somebody, or to be forgotten, waits for one walk
    "receipts_of_person": "SCAN receipts",
    "erase_receipts": "SCAN receipts",
}
NOT_BY_INDEX = {  # small tables, and a count that nothing waits for
    "blocked_routes": "SCAN routes",
    "stopped_switches": "SCAN switches",
    "counts": "SCAN messages",
    "has_work": "SCAN routes",
    "routes": "SCAN routes",
    "oldest_waiting": "SCAN routes",
    **ONCE_A_PERSON,
}
# What the drills ask: all of a ledger held against a provider's books, or of a file alone. And all of the
# erased, which are few; and everybody, where the warehouse knows of an erasure that the ledger has forgotten.
APART = re.compile(r"books|drill_\w+|people_written_to|erased_marks|erasures")
OURS = [path.stem for path in sorted(QUERIES.glob("*.sql")) if not APART.fullmatch(path.stem)]


@pytest.mark.parametrize("name", OURS)
def test_no_query_of_a_file_walks_through_a_table_that_grows(file_ledger, name):
    text = (QUERIES / f"{name}.sql").read_text()
    values = dict.fromkeys(re.findall(r":(\w+)", text))
    # Its plan would list the children of an insert, which are read only while a violation is open.
    file_ledger._connection.execute("pragma foreign_keys = off")
    file_ledger._connection.execute(query("sqlite/given_messages"))
    plan = [row["detail"] for row in file_ledger._connection.execute(f"explain query plan {text}", values)]
    grown = re.compile(
        r"^SCAN (messages|requests|attempts|receipts|revocations|journal|routes|switches|suppressions)\b"
    )
    scans = [line for line in plan if grown.match(line)]
    assert scans == [NOT_BY_INDEX[name]] if name in NOT_BY_INDEX else scans == []
    assert not any(re.search(r"messages_waiting \(state=\?\)", line) for line in plan)


NOT_BY_INDEX_OF_A_SERVER = {
    "counts": {"messages"},
    "erase_receipts": {"receipts"},
}


@pytest.mark.parametrize("name", OURS)
def test_no_query_of_a_server_walks_through_a_table_that_grows(server_ledger, name):
    """The session forbids it where there is another way: what walks all the same has none."""
    text = statement(name)
    values = dict.fromkeys(re.findall(r"%\((\w+)\)s", text), "1")
    values |= {given: '["1"]' for given in ("providers", "message_ids") if given in values}
    values |= {"rows": "[{}]"} if "rows" in values else {}
    plan = [row[0] for row in server_ledger._connection.execute(f"explain {text}", values)]
    walked = {found for line in plan for found in re.findall(r"Seq Scan on (\w+)", line)}
    assert walked == NOT_BY_INDEX_OF_A_SERVER.get(name, set())
