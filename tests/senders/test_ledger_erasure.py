"""An erased person leaves the ledger; what it knew of sending stays. On a file and on a server."""

import sqlite3
from datetime import timedelta

import pytest
from letters import NOON, ended, in_flight, letter, letters, planned, state_of, tamper

from senders import erased
from senders.contract import EventKind, Outcome, ProviderEvent, State
from senders.erased import Erased, ErasureSecretError, Pseudonym
from senders.settings import load

SETTINGS = load({"DOVECOTE_ERASURE_SECRET": "for tests"})
NOBODY = Pseudonym("erased:nobody", "salt")
ANN = {"user_id": "ann", "address": "ann@example.com"}


def erase(ledger, now=NOON):
    with ledger.transaction():
        erased.leave_marks(ledger, Erased(ledger, SETTINGS), "first", (["ann"], ["ann@example.com"]), now)
        return erased.erase(ledger, ["ann"], ["ann@example.com"], NOBODY, now)


def stand_in(ledger, state):
    """A message to ann that stands there, and its attempt where there is one."""
    message = letter(state, **ANN)
    if state in ("planned", "claimed"):
        planned(ledger, message)
        if state == "claimed":
            ledger.claim(NOON, "postal", 1, 60)
        return message, None
    (attempt,) = in_flight(ledger, message)
    outcomes = {
        "retry_wait": Outcome.RETRY,
        "accepted": Outcome.ACCEPTED,
        "route_blocked": Outcome.ROUTE_BLOCKED,
    }
    outcome = outcomes.get(state, Outcome.UNKNOWN)
    if state != "in_flight":
        ledger.record(NOON, ended([attempt], outcome, raw="to ann@example.com"))
    if state == "held":
        ledger.cancel(message.message_id, "exited", NOON)
    return message, attempt


def everything(ledger):
    tables = "messages requests attempts receipts journal suppressions refusals erased".split()
    return " ".join(
        str([bytes(value) if isinstance(value, memoryview) else value for value in row])
        for table in tables
        for row in tamper(ledger, f"select * from {table}").fetchall()
    )


@pytest.mark.parametrize(
    ("state", "may_be_out"),
    [
        ("planned", 0), ("claimed", 0), ("retry_wait", 0), ("route_blocked", 0),
        ("in_flight", 1), ("unknown", 1), ("held", 1),
    ],
)  # fmt: skip
def test_what_was_not_sent_for_certain_never_is(ledger, state, may_be_out):
    message, _ = stand_in(ledger, state)
    erase(ledger)
    assert state_of(ledger, message) is State.CANCELLED
    (lost,) = tamper(ledger, "select has_lost_attempt from messages").fetchone()
    assert lost == may_be_out
    later = NOON + timedelta(hours=1)
    ledger.sweep(later)
    assert ledger.claim(later, "postal", 9, 60).rows == 0
    assert not ledger.decide_held(message.message_id, is_sent_again=True, reason="by hand", now=later)
    assert "ann@example" not in everything(ledger)
    assert "Dear" not in everything(ledger)


def test_an_answer_that_comes_afterwards_is_not_kept_and_a_receipt_still_proves(ledger):
    message, attempt = stand_in(ledger, "in_flight")
    erase(ledger)
    assert ledger.record(NOON, ended([attempt], Outcome.ACCEPTED, raw="for ann@example.com")) == 0
    assert state_of(ledger, message) is State.CANCELLED
    receipt = ProviderEvent(
        "k1",
        "postal",
        EventKind.DELIVERED,
        NOON,
        message.message_id,
        address="ann@example.com",
        raw="ann@example.com",
    )
    complaint = ProviderEvent(
        "k2", "postal", EventKind.COMPLAINED, NOON, message.message_id, raw="ann@example.com"
    )
    assert ledger.apply_receipts([receipt, complaint], NOON).taken == 2
    assert state_of(ledger, message) is State.DELIVERED
    assert "ann@" not in everything(ledger)


def test_what_was_sent_stays_sent_and_says_no_more_to_whom(ledger):
    sent, _ = stand_in(ledger, "accepted")
    other = letter("ben")
    planned(ledger, other)
    ledger.suppress("Ann@example.com", "marketing", "STOP", NOON)
    ledger.refuse("ann", "email", "marketing", "a page of ours", NOON)
    before = ledger.last_seq()
    done = erase(ledger)
    assert (state_of(ledger, sent), state_of(ledger, other)) == (State.ACCEPTED, State.PLANNED)
    assert ledger.last_seq() == before
    assert (done["messages"], done["suppressions"], done["refusals"], done["journal"]) == (1, 1, 1, 1)
    people = {row[15] for row in ledger.journal_since(0, 99)}
    assert people == {"erased:nobody", other.user_id, None}
    assert [claim.message_id for claim in ledger.claim(NOON, "postal", 9, 60).claims] == [other.message_id]
    assert not any(erase(ledger).values())


def test_the_marks_know_ids_and_addresses_however_they_are_spelt(ledger):
    erase(ledger)
    known = Erased(ledger, SETTINGS)
    assert known.has_id("ann")
    assert known.has_address(" ANN@example.com ")
    assert not known.has_id("ben")
    assert known.erasure_of("ann@example.com") == "first"
    for secret in ("", "another"):
        with pytest.raises(ErasureSecretError):
            Erased(ledger, load({"DOVECOTE_ERASURE_SECRET": secret}))


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("update messages set address = 'eve@example.com'", "message_is_frozen"),
        (
            "update messages set user_id = 'erased:x', event_id = 'erased:x', address_key = ''",
            "message_is_frozen",
        ),
        ("update messages set step = 'x'", "message_is_frozen"),
        ("update requests set headers = '{}', path = '', body_sha256 = ''", "request_is_frozen"),
        ("update journal set address_key = null, to_state = 'sent'", "journal_is_written_once"),
        ("update journal set address_key = 'eve@example.com'", "journal_is_written_once"),
    ],
)
def test_erasing_is_no_way_to_alter_anything(ledger, statement, says):
    planned(ledger, *letters(2))
    with pytest.raises(sqlite3.IntegrityError, match=says):
        tamper(ledger, statement)


def test_a_scrubbed_ledger_works_as_before(ledger):
    planned(ledger, *letters(3))
    ledger.scrub()
    assert len(ledger.claim(NOON, "postal", 9, 60).claims) == 3
