"""After a restoring nothing that may have been sent goes out by itself: on a file and on a server."""

from datetime import timedelta

import pytest
from letters import NOON, ended, in_flight, letter, letters, planned, reason_of, state_of, tamper

from senders import restored
from senders.contract import EventKind, Outcome, ProviderEvent, State
from senders.entries import JOURNAL_COLUMNS

LATER = NOON + timedelta(hours=1)


def move(ledger, message, to_state, seq, **values):
    """A row of the copied journal."""
    row = dict.fromkeys(JOURNAL_COLUMNS)
    about = {"seq": seq, "kind": "state", "message_id": message.message_id, "to_state": to_state}
    return {**row, **about, "happened_at": NOON, "provider": "postal", "channel": "sms", **values}


@pytest.mark.parametrize("state", ["planned", "claimed", "in_flight", "retry_wait", "unknown"])
def test_what_was_not_over_is_held(ledger, state):
    message = letter("anna")
    if state in ("planned", "claimed"):
        planned(ledger, message)
        if state == "claimed":
            ledger.claim(NOON, "postal", 1, 60)
    else:
        attempts = in_flight(ledger, message)
        outcome = {"retry_wait": Outcome.RETRY, "unknown": Outcome.UNKNOWN}.get(state)
        if outcome:
            ledger.record(NOON, ended(attempts, outcome))
    assert restored.begin(ledger, NOON) == 1
    assert (state_of(ledger, message), reason_of(ledger, message)) == (State.HELD, "restored")
    ledger.sweep(LATER)
    assert ledger.claim(LATER, "postal", 9, 60).rows == 0
    receipt = ProviderEvent("k", "postal", EventKind.DELIVERED, NOON, message.message_id)
    ledger.apply_receipts([receipt], NOON)
    assert state_of(ledger, message) is State.DELIVERED


def test_what_was_over_stays_and_a_second_restoring_begins_another_timeline(ledger):
    message = letter("anna")
    ledger.record(NOON, ended(in_flight(ledger, message), Outcome.ACCEPTED))
    assert [restored.begin(ledger, NOON), restored.begin(ledger, LATER)] == [0, 0]
    assert state_of(ledger, message) is State.ACCEPTED
    first, second = restored.timelines(ledger)
    assert (first.first_seq, second.first_seq) == (restored.APART, 2 * restored.APART)
    assert first.last_seq < first.first_seq <= second.last_seq < second.first_seq
    planned(ledger, letter("ben"))
    assert ledger.last_seq() > second.first_seq


@pytest.mark.parametrize(
    ("told", "becomes"),
    [
        ("accepted", State.ACCEPTED), ("delivered", State.DELIVERED), ("failed_late", State.FAILED_LATE),
        ("rejected", State.REJECTED), ("expired", State.CANCELLED), ("cancelled", State.CANCELLED),
        ("in_flight", State.HELD), ("unknown", State.HELD), ("retry_wait", State.HELD),
        ("planned", State.HELD),
    ],
)  # fmt: skip
def test_what_the_warehouse_knows_of_a_message_it_gives_back(ledger, told, becomes):
    message = letter("anna")
    planned(ledger, message)
    restored.begin(ledger, LATER)
    restored.learn(ledger, [move(ledger, message, told, 5)], [])
    assert state_of(ledger, message) is becomes
    last = ledger.last_seq()
    restored.learn(ledger, [move(ledger, message, told, 5)], [])
    assert ledger.last_seq() == last


def test_what_was_taken_back_at_its_provider_in_the_lost_time_stays_so(ledger):
    message = letter("anna")
    ledger.record(NOON, ended(in_flight(ledger, message), Outcome.ACCEPTED))
    restored.begin(ledger, LATER)
    told = [move(ledger, message, "cancelled", 5, reason="revoked: exited: order-1")]
    for _ in range(2):
        restored.learn(ledger, told, [])
        assert (state_of(ledger, message), reason_of(ledger, message)) == (
            State.CANCELLED,
            "revoked: exited: order-1",
        )
    assert not ledger.has_work(LATER)


def test_a_refused_message_of_the_lost_time_makes_room_for_its_fallback(ledger):
    restored.begin(ledger, NOON)
    first, second = letter("rcs"), letter("sms", candidate_id=letter("rcs").candidate_id)
    values = [
        {
            **{name: getattr(message, name) for name in message.__dataclass_fields__ if name != "content"},
            "due_at": "2022-11-05T12:00:00.000000", "expires_at": "2022-11-06T12:00:00.000000",
            "provider": "postal", "address_key": message.address, "now": "2022-11-05T12:00:00.000000",
        }
        for message in (first, second)
    ]  # fmt: skip
    rows = [move(ledger, first, "rejected", 5), move(ledger, second, "accepted", 6)]
    assert restored.learn(ledger, rows, values)["messages"] == 2
    assert (state_of(ledger, first), state_of(ledger, second)) == (State.REJECTED, State.ACCEPTED)


def test_opt_outs_blocked_routes_and_what_people_did_are_given_back(ledger):
    message = letter("anna")
    ledger.record(NOON, ended(in_flight(ledger, message), Outcome.ACCEPTED))
    restored.begin(ledger, LATER)
    rows = [
        move(ledger, message, "clicked", 5, kind="engagement", is_machine=False, reason=""),
        {
            **move(ledger, message, "suppressed", 6, kind="suppression"),
            "address_key": "a@x.org",
            "scope": "all",
        },
        {
            **move(ledger, message, "suppressed", 7, kind="suppression"),
            "address_key": "b@x.org",
            "scope": "all",
        },
        {**move(ledger, message, "lifted", 8, kind="suppression"), "address_key": "b@x.org", "scope": "all"},
        move(ledger, message, "blocked", 9, kind="route", reason="credentials_refused"),
    ]
    for _ in range(2):
        restored.learn(ledger, rows, [])
    assert state_of(ledger, message) is State.DELIVERED  # nobody clicks what did not arrive
    active = tamper(ledger, "select address_key from suppressions where is_active = 1").fetchall()
    assert [tuple(row) for row in active] == [("a@x.org",)]
    assert ledger.blocked_routes() == {"postal": "credentials_refused"}


def test_held_messages_are_found_by_rule_and_go_when_somebody_says_so(ledger):
    planned(ledger, *letters(3))
    restored.begin(ledger, NOON)
    ids = ledger.held_by_rule(reason="restored", provider="postal", journey="cart_abandoned")
    assert sorted(ids) == sorted(message.message_id for message in letters(3))
    assert ledger.held_by_rule(journey="another") == []
    assert ledger.decide_held(ids[0], is_sent_again=True, reason="by hand", now=NOON)
    assert len(ledger.claim(NOON, "postal", 9, 60).claims) == 1
