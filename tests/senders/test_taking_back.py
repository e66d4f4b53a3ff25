"""Taking back what was accepted and not delivered: asked on record, asked again, and never replaced."""

import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest
from letters import NOON, Clock, letter, letters, reason_of, state_of, tamper
from post_office import Postal

from senders.contract import EventKind, Outcome, ProviderEvent, State, Verdict
from senders.delivery import Pace, deliver, plan
from senders.ledger import Ledger
from senders.revocations import Asked

QUICK = Pace(first_backoff_seconds=0.1, patience_seconds=0.0)
IMPATIENT = replace(QUICK, call_seconds=0.5, connect_seconds=0.4)  # for an answer that never comes
LEASE = timedelta(minutes=1)
LEFT = "exited: order-1"
ANNA = letter("anna")


@pytest.fixture
def postal(office) -> Postal:
    return Postal(office.url, can_revoke=True)


def sent(ledger: Ledger, postal: Postal, clock: Clock, *messages) -> None:
    """Accepted, and waiting at the provider for their people."""
    plan(ledger, {"sms": postal}, messages, clock())
    deliver(ledger, {"sms": postal}, clock, 20, pace=QUICK)


def asked_back(ledger: Ledger, clock: Clock, *messages, reason: str = LEFT) -> int:
    return ledger.ask_back_many([(each.message_id, reason) for each in messages], {"postal"}, clock())


def go_on(ledger: Ledger, postal: Postal, clock: Clock, pace: Pace = QUICK, **later: float):
    clock.forward(**later)
    return deliver(ledger, {"sms": postal}, clock, 20, pace=pace)


def said(kind: EventKind, message, clock: Clock) -> ProviderEvent:
    return ProviderEvent(
        f"{kind} {message.message_id}", "postal", kind, clock(), message_id=message.message_id
    )


def revocation_of(ledger: Ledger, message):
    values = {"message_no": ledger.value("message_no_of", {"message_id": message.message_id})}
    row = ledger.run("revocation_of_message", values).fetchone()
    return None if row is None else (row["outcome"], row["answer"])


# What becomes of it


def test_what_waits_at_the_provider_is_taken_back_and_its_step_is_over(ledger, postal, office, clock):
    sent(ledger, postal, clock, ANNA, letter("bert"))
    assert asked_back(ledger, clock, ANNA) == 1
    assert ledger.has_work(clock(), {"postal"})
    assert go_on(ledger, postal, clock).taken_back == 1
    assert office.taken_back == [ANNA.message_id]
    assert (state_of(ledger, ANNA), reason_of(ledger, ANNA)) == (State.CANCELLED, f"revoked: {LEFT}")
    assert revocation_of(ledger, ANNA) == ("taken_back", "taken_back")
    assert state_of(ledger, letter("bert")) is State.ACCEPTED
    assert not ledger.has_work(clock(), {"postal"})
    assert ledger.refused_since(0) == 0  # nobody is to look for another channel


def test_what_its_provider_says_is_delivered_is_left_as_it_is_and_not_asked_for_again(
    ledger, postal, office, clock
):
    office.behave_revoke = lambda message_id, nth: "delivered"
    sent(ledger, postal, clock, ANNA)
    asked_back(ledger, clock, ANNA)
    go_on(ledger, postal, clock)
    assert (state_of(ledger, ANNA), revocation_of(ledger, ANNA)) == (State.ACCEPTED, ("refused", "too_late"))
    assert asked_back(ledger, clock, ANNA) == 0
    assert not ledger.has_work(clock(), {"postal"})


@pytest.mark.parametrize("behaviour", ["reset_before", "hand_back_and_reset", "break", "busy", "hang"])
def test_without_an_answer_it_is_asked_for_again(ledger, postal, office, clock, behaviour):
    office.behave_revoke = lambda message_id, nth: "hand_back" if nth else behaviour
    sent(ledger, postal, clock, ANNA)
    asked_back(ledger, clock, ANNA)
    pace = IMPATIENT if behaviour == "hang" else QUICK
    assert go_on(ledger, postal, clock, pace).taken_back == 0
    assert state_of(ledger, ANNA) is State.ACCEPTED
    assert ledger.next_attempt_at(clock() - timedelta(seconds=9)) is not None
    assert go_on(ledger, postal, clock, minutes=1).taken_back == 1
    assert state_of(ledger, ANNA) is State.CANCELLED


def test_a_message_that_is_delivered_after_all_is_delivered(ledger, postal, clock):
    sent(ledger, postal, clock, ANNA)
    asked_back(ledger, clock, ANNA)
    go_on(ledger, postal, clock)
    ledger.apply_receipts([said(EventKind.DELIVERED, ANNA, clock)], clock())
    assert state_of(ledger, ANNA) is State.DELIVERED
    (holds,) = tamper(ledger, "select holds_candidate from messages").fetchone()
    assert holds == 1


def test_what_is_said_to_be_expired_after_it_was_taken_back_changes_nothing(ledger, postal, clock):
    sent(ledger, postal, clock, ANNA)
    asked_back(ledger, clock, ANNA)
    go_on(ledger, postal, clock)
    ledger.apply_receipts([said(EventKind.FAILED, ANNA, clock)], clock())
    assert state_of(ledger, ANNA) is State.CANCELLED


@pytest.mark.parametrize("kind", [EventKind.DELIVERED, EventKind.FAILED])
def test_a_receipt_that_overtakes_the_answer_to_taking_back_stands(ledger, postal, clock, kind):
    sent(ledger, postal, clock, ANNA)
    asked_back(ledger, clock, ANNA)
    (due,) = ledger.revocations_due(clock(), "postal", 9, LEASE)
    ledger.apply_receipts([said(kind, ANNA, clock)], clock())
    before = state_of(ledger, ANNA)
    assert ledger.record_revocations(clock(), [Asked(due, Verdict(Outcome.ACCEPTED, "taken_back"))]) == 0
    assert (state_of(ledger, ANNA), revocation_of(ledger, ANNA)[0]) == (before, "too_late")


# What is not asked for


def test_what_has_not_left_is_no_matter_of_the_provider_s(ledger, postal, clock):
    plan(ledger, {"sms": postal}, [ANNA], clock())
    assert asked_back(ledger, clock, ANNA) == 0


@pytest.mark.parametrize("kind", [EventKind.DELIVERED, EventKind.READ, EventKind.FAILED])
def test_what_was_delivered_or_failed_is_not_asked_for(ledger, postal, office, clock, kind):
    sent(ledger, postal, clock, ANNA, letter("bert"))
    ledger.apply_receipts([said(kind, ANNA, clock)], clock())
    assert asked_back(ledger, clock, ANNA, letter("bert")) == 1
    ledger.apply_receipts([said(kind, letter("bert"), clock)], clock())
    assert go_on(ledger, postal, clock).taken_back == 0
    assert office.taken_back == []
    assert revocation_of(ledger, letter("bert")) == ("too_late", None)


def test_what_expires_meanwhile_is_not_asked_for(ledger, postal, office, clock):
    short = letter("short", expires_at=NOON + timedelta(minutes=9))
    sent(ledger, postal, clock, short)
    asked_back(ledger, clock, short)
    go_on(ledger, postal, clock, minutes=10)
    assert (office.taken_back, revocation_of(ledger, short)) == ([], ("too_late", None))
    assert asked_back(ledger, clock, short) == 0


def test_a_provider_that_cannot_is_never_asked(ledger, office, clock):
    cannot = Postal(office.url)
    sent(ledger, cannot, clock, ANNA)
    assert ledger.ask_back_many([(ANNA.message_id, LEFT)], [], clock()) == 0
    assert not ledger.has_work(clock(), {"postal"})


# Who holds it back


def test_while_the_route_is_blocked_or_its_breaker_is_open_there_is_no_work(ledger, postal, office, clock):
    sent(ledger, postal, clock, ANNA)
    asked_back(ledger, clock, ANNA)
    ledger.block_route("postal", "sms", "suspended", clock())
    assert not ledger.has_work(clock(), {"postal"})
    ledger.free_route("postal", "mended", clock())
    failed = [Verdict(Outcome.UNKNOWN, "connection_lost")] * 8
    ledger.heed_outcomes(clock(), "postal", failed, 8, QUICK)
    assert not ledger.has_work(clock(), {"postal"})
    assert ledger.revocations_due(clock(), "postal", 9, LEASE) == []
    assert go_on(ledger, postal, clock, seconds=31).taken_back == 1


@pytest.mark.parametrize("stopped", [("all", ""), ("route", "postal"), ("journey", "cart_abandoned")])
def test_a_kill_switch_stops_what_is_sent_and_not_what_is_taken_back(ledger, postal, clock, stopped):
    sent(ledger, postal, clock, ANNA)
    ledger.stop(*stopped, "a mistake in it", clock())
    plan(ledger, {"sms": postal}, [letter("bert")], clock())
    asked_back(ledger, clock, ANNA)
    assert go_on(ledger, postal, clock).taken_back == 1
    assert state_of(ledger, letter("bert")) is State.PLANNED


def test_wrong_credentials_block_the_route_and_it_is_asked_for_once_it_is_free(ledger, postal, office, clock):
    office.behave_revoke = lambda message_id, nth: "hand_back" if nth else "unauthorized"
    sent(ledger, postal, clock, ANNA)
    asked_back(ledger, clock, ANNA)
    assert go_on(ledger, postal, clock).blocked_routes == {"postal": "credentials_refused"}
    assert go_on(ledger, postal, clock, minutes=1).taken_back == 0
    ledger.free_route("postal", "mended", clock())
    assert go_on(ledger, postal, clock).taken_back == 1


# Crashes, and several workers


def test_what_nobody_wrote_down_is_asked_for_again_once_the_lease_is_over(ledger, postal, office, clock):
    sent(ledger, postal, clock, ANNA)
    asked_back(ledger, clock, ANNA)
    assert len(ledger.revocations_due(clock(), "postal", 9, LEASE)) == 1  # and its worker died
    assert ledger.revocations_due(clock(), "postal", 9, LEASE) == []
    assert go_on(ledger, postal, clock, seconds=61).taken_back == 1


def test_a_slow_route_is_asked_at_its_own_pace(ledger, office, clock):
    slow = Postal(office.url, can_revoke=True, messages_per_second=4.0)
    many = letters(6)
    sent(ledger, Postal(office.url), clock, *many)
    asked_back(ledger, clock, *many)
    assert go_on(ledger, slow, clock).taken_back == 6
    assert sorted(office.taken_back) == sorted(each.message_id for each in many)


def test_the_database_refuses_to_cancel_what_was_sent_and_not_asked_for(ledger, postal, clock):
    sent(ledger, postal, clock, ANNA)
    with pytest.raises(sqlite3.IntegrityError, match="taken_back_when_asked"):
        tamper(ledger, "update messages set state = 'cancelled'")
    asked_back(ledger, clock, ANNA)
    with pytest.raises(sqlite3.IntegrityError, match="revocations_stay"):
        tamper(ledger, "delete from revocations")


def test_a_ledger_from_before_anything_was_taken_back_learns_to(new_place, office, clock):
    postal, place = Postal(office.url, can_revoke=True), new_place()
    with Ledger(place) as ledger:
        sent(ledger, postal, clock, ANNA)
        tamper(ledger, "drop table revocations")
        tamper(ledger, "delete from allowed_moves where from_state = 'accepted' and to_state = 'cancelled'")
        kept_in = "update schema_version set version" if ledger.is_shared else "pragma user_version"
        tamper(ledger, f"{kept_in} = 8")
    with Ledger(place) as ledger:
        asked_back(ledger, clock, ANNA)
        go_on(ledger, postal, clock)
        assert ledger.counts() == {State.CANCELLED: 1}
