"""Receipts: once each, in any order, early, late, or about nobody we know."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from letters import NOON, ended, frozen, in_flight, letter, planned, reason_of, state_of

from senders.contract import EventKind, Outcome, ProviderEvent, State
from senders.entries import Applied, Planned
from senders.ledger import JOURNAL_COLUMNS

SECOND = timedelta(seconds=1)
A_MINUTE = timedelta(minutes=1)
A_MINUTE_ON = NOON + A_MINUTE


def receipt(kind: EventKind, message=None, **changes):
    values = {
        "event_key": f"{kind}-{message.message_id if message else ''}",
        "provider": "postal",
        "kind": kind,
        "occurred_at": NOON + 10 * SECOND,
        "message_id": message.message_id if message else None,
        "reason": kind.value,
    }
    return ProviderEvent(**{**values, **changes})


def engagement(ledger):
    columns = ("kind", "to_state", "is_machine", "happened_at", "message_id")
    known = [dict(zip(JOURNAL_COLUMNS, row, strict=True)) for row in ledger.journal_since(0, 1000)]
    return [tuple(row[name] for name in columns[1:]) for row in known if row["kind"] == "engagement"]


@pytest.fixture
def accepted(ledger):
    message = letter("anna")
    ledger.record(NOON, ended(in_flight(ledger, message), Outcome.ACCEPTED, provider_message_id="L1"))
    return message


def test_a_receipt_that_brings_both_ids_lets_later_ones_name_the_provider_s_alone(ledger):
    message = letter("anna")
    ledger.record(NOON, ended(in_flight(ledger, message), Outcome.UNKNOWN))
    early = receipt(EventKind.OPENED, provider_message_id="L1")
    assert ledger.apply_receipts([early], A_MINUTE_ON).waiting == 1
    ledger.apply_receipts([receipt(EventKind.SENT, message, provider_message_id="L1")], A_MINUTE_ON)
    assert state_of(ledger, message) is State.DELIVERED
    assert [row[0] for row in engagement(ledger)] == ["opened"]


DAY = timedelta(days=1)


def sent_back(ledger, name, at, reason="blocked_by_mailbox", **changes):
    """A message to the same mailbox that comes back at a time."""
    told = changes.pop("kind", EventKind.FAILED)
    times = {"due_at": at, "expires_at": at + DAY}
    message = letter(name, address="full@example.com", **{**times, **changes})
    ledger.record(at, ended(in_flight(ledger, message, now=at), Outcome.ACCEPTED))
    ledger.apply_receipts([receipt(told, message, occurred_at=at, reason=reason)], at)


def is_marketing_sent_to(ledger, at):
    planned(ledger, letter(f"m {at}", address="full@example.com", due_at=at, expires_at=at + DAY), now=at)
    picked = ledger.claim(at, "postal", 9, 60)
    ledger.release(at, picked.claims, "looked")
    for claim in picked.claims:
        ledger.cancel(claim.message_id, "looked", at)
    return bool(picked.claims)


def test_an_address_that_sends_back_on_five_days_gets_no_marketing_until_something_reaches_it(ledger):
    for day in range(4):
        sent_back(ledger, f"day {day}", NOON + day * DAY)
    sent_back(ledger, "the same day again", NOON + 3 * DAY + timedelta(minutes=1))
    assert is_marketing_sent_to(ledger, NOON + 3.1 * DAY)
    sent_back(ledger, "day 4", NOON + 4 * DAY, "handset_unreachable")
    assert not is_marketing_sent_to(ledger, NOON + 4.1 * DAY)
    order = {"message_class": "transactional", "kind": EventKind.DELIVERED, "reason": "delivered"}
    sent_back(ledger, "an order", NOON + 5 * DAY, **order)
    assert is_marketing_sent_to(ledger, NOON + 5.1 * DAY)
    sent_back(ledger, "day 6", NOON + 6 * DAY)  # it counts from the delivery on
    assert is_marketing_sent_to(ledger, NOON + 6.1 * DAY)


def test_what_says_nothing_about_the_address_is_no_soft_bounce(ledger):
    for day in range(6):
        sent_back(ledger, f"day {day}", NOON + day * DAY, "failed_unexplained")
    assert is_marketing_sent_to(ledger, NOON + 6 * DAY)


FURTHEST = [
    ([EventKind.DELIVERED, EventKind.SENT, EventKind.ACCEPTED], State.DELIVERED),
    ([EventKind.READ, EventKind.DELIVERED, EventKind.SENT], State.READ),
    ([EventKind.SENT, EventKind.FAILED], State.FAILED_LATE),
    ([EventKind.BOUNCED, EventKind.SENT], State.FAILED_LATE),
    ([EventKind.DELIVERED, EventKind.FAILED], State.DELIVERED),
    ([EventKind.DEFERRED, EventKind.SENT], State.SENT),
    ([EventKind.CLICKED, EventKind.SENT], State.DELIVERED),
]


@pytest.mark.parametrize(("kinds", "state"), FURTHEST, ids=[" ".join(kinds) for kinds, _ in FURTHEST])
def test_the_state_is_the_furthest_that_any_receipt_proved_in_whatever_order(ledger, kinds, state):
    for number, order in enumerate(permutations(kinds)):
        message = letter(f"{number}")
        ledger.record(NOON, ended(in_flight(ledger, message), Outcome.ACCEPTED))
        for kind in order:
            ledger.apply_receipts([receipt(kind, message)], A_MINUTE_ON)
        assert state_of(ledger, message) is state, order


def test_a_repeated_receipt_counts_once(ledger, accepted):
    clicks = [receipt(EventKind.CLICKED, accepted)] * 2
    assert ledger.apply_receipts(clicks, A_MINUTE_ON) == Applied(taken=1, repeated=1)
    assert ledger.apply_receipts(clicks, A_MINUTE_ON) == Applied(repeated=2)
    assert len(engagement(ledger)) == 1


def test_the_same_key_from_two_providers_is_two_things(ledger, accepted):
    twice = [receipt(EventKind.OPENED, accepted), receipt(EventKind.OPENED, accepted, provider="other")]
    assert ledger.apply_receipts(twice, A_MINUTE_ON) == Applied(taken=2)


def test_a_receipt_is_matched_by_the_providers_id_where_ours_is_not_echoed(ledger, accepted):
    event = receipt(EventKind.DELIVERED, provider_message_id="L1")
    stranger = receipt(EventKind.READ, provider_message_id="L1", provider="other")
    assert ledger.apply_receipts([event, stranger], A_MINUTE_ON) == Applied(taken=1, waiting=1)
    assert state_of(ledger, accepted) is State.DELIVERED


def test_an_id_that_nothing_will_name_stays_with_the_attempt_even_when_a_receipt_brings_it(ledger):
    message = letter("anna")
    (result,) = ended(in_flight(ledger, message), Outcome.ACCEPTED, provider_message_id="L1")
    ledger.record(NOON, [replace(result, learns_id=False)])
    ledger.apply_receipts([receipt(EventKind.SENT, message, provider_message_id="L1")], A_MINUTE_ON)
    assert state_of(ledger, message) is State.SENT
    no = {"message_no": ledger.value("message_no_of", {"message_id": message.message_id})}
    assert [row["provider_message_id"] for row in ledger.run("attempts_of_message", no)] == ["L1"]
    alone = receipt(EventKind.READ, provider_message_id="L1")
    assert ledger.apply_receipts([alone], A_MINUTE_ON) == Applied(waiting=1)


@pytest.mark.parametrize("verdict", [Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.RETRY, Outcome.REJECTED])
def test_a_receipt_that_overtakes_the_answer_is_kept_whatever_the_answer_says(ledger, verdict):
    message = letter("anna")
    attempts = in_flight(ledger, message)
    ledger.apply_receipts([receipt(EventKind.DELIVERED, message)], NOON + SECOND)
    ledger.record(NOON + 2 * SECOND, ended(attempts, verdict, provider_message_id="L1"))
    assert state_of(ledger, message) is State.DELIVERED
    assert not ledger.has_work(NOON + timedelta(hours=1))
    ledger.apply_receipts(
        [receipt(EventKind.READ, provider_message_id="L1")], A_MINUTE_ON
    )  # the id was learnt
    assert state_of(ledger, message) is State.READ


def test_a_receipt_by_the_providers_id_waits_for_the_answer_that_tells_the_id(ledger):
    message = letter("anna")
    attempts = in_flight(ledger, message)
    early = [
        receipt(EventKind.DELIVERED, provider_message_id="L1"),
        receipt(EventKind.OPENED, provider_message_id="L1"),
    ]
    assert ledger.apply_receipts(early, NOON + SECOND) == Applied(waiting=2)
    assert state_of(ledger, message) is State.IN_FLIGHT
    ledger.record(NOON + 2 * SECOND, ended(attempts, Outcome.ACCEPTED, provider_message_id="L1"))
    assert state_of(ledger, message) is State.DELIVERED
    assert [row[0] for row in engagement(ledger)] == ["opened"]
    assert ledger.apply_receipts(early, A_MINUTE_ON) == Applied(repeated=2)


def test_a_receipt_for_a_message_that_is_planned_only_now_stops_it_from_being_sent_again(ledger):
    message = letter("anna")  # a ledger restored from a backup has forgotten it
    assert ledger.apply_receipts([receipt(EventKind.DELIVERED, message)], NOON) == Applied(waiting=1)
    assert ledger.plan([(message, "postal", frozen(message))], A_MINUTE_ON) == Planned(planned=1)
    assert state_of(ledger, message) is State.DELIVERED
    assert ledger.claim(A_MINUTE_ON, "postal", 1, 60).claims == []


@pytest.mark.parametrize(
    "state", ["retry_wait", "planned again", "claimed again", "unknown", "held", "expired"]
)
def test_a_receipt_finds_a_message_we_thought_was_not_sent(ledger, state):
    message = letter("anna")
    attempts = in_flight(ledger, message)
    ledger.record(NOON, ended(attempts, Outcome.UNKNOWN if state in ("unknown", "held") else Outcome.RETRY))
    if state == "held":
        ledger.cancel(message.message_id, "bought", NOON)
    if state == "expired":
        ledger.sweep(message.expires_at)
    claims = []
    if state.endswith("again"):
        claims = ledger.claim(A_MINUTE_ON, "postal", 1, 60).claims
        if state.startswith("planned"):
            ledger.release(A_MINUTE_ON, claims, "stopped")
    ledger.apply_receipts([receipt(EventKind.DELIVERED, message)], A_MINUTE_ON)
    assert state_of(ledger, message) is State.DELIVERED
    assert ledger.intent(A_MINUTE_ON, claims, 15) == []
    assert ledger.claim(A_MINUTE_ON, "postal", 1, 60).claims == []


def test_a_late_failure_frees_the_candidate_and_a_delivery_that_comes_after_all_still_counts(
    ledger, accepted
):
    ledger.apply_receipts([receipt(EventKind.FAILED, accepted, reason="expired_undelivered")], A_MINUTE_ON)
    assert (state_of(ledger, accepted), reason_of(ledger, accepted)) == (
        State.FAILED_LATE,
        "expired_undelivered",
    )
    fallback = letter("anna by sms", candidate_id=accepted.candidate_id)
    assert ledger.plan([(fallback, "postal", frozen(fallback))], A_MINUTE_ON) == Planned(planned=1)
    ledger.apply_receipts([receipt(EventKind.DELIVERED, accepted)], A_MINUTE_ON)
    assert state_of(ledger, accepted) is State.DELIVERED


def test_engagement_says_whether_it_was_a_machine_and_a_machine_proves_no_delivery(ledger, accepted):
    ledger.apply_receipts([receipt(EventKind.OPENED, accepted, is_machine=True)], A_MINUTE_ON)
    assert state_of(ledger, accepted) is State.ACCEPTED
    ledger.apply_receipts([receipt(EventKind.CLICKED, accepted)], A_MINUTE_ON)
    assert state_of(ledger, accepted) is State.DELIVERED
    assert [row[:2] for row in engagement(ledger)] == [("opened", True), ("clicked", False)]


def test_a_provider_whose_clock_runs_ahead_tells_nothing_from_the_future(ledger, accepted):
    ahead = [
        receipt(kind, accepted, occurred_at=NOON + timedelta(days=9))
        for kind in (EventKind.READ, EventKind.CLICKED)
    ]
    ledger.apply_receipts(ahead, A_MINUTE_ON)
    assert max(row[1] for row in ledger.journal_since(0, 100)) == "2022-11-05T12:01:00.000000"


SUPPRESSIONS = [
    (EventKind.BOUNCED, False),
    (EventKind.COMPLAINED, False),
    (EventKind.UNSUBSCRIBED, True),
]


@pytest.mark.parametrize(("kind", "is_order_sent"), SUPPRESSIONS)
@pytest.mark.parametrize("names", ["the message", "the address", "the address of somebody unknown"])
def test_the_address_is_suppressed_before_the_next_send(ledger, kind, is_order_sent, names):
    sent = letter("anna")
    ledger.record(NOON, ended(in_flight(ledger, sent), Outcome.ACCEPTED))
    event = {
        "the message": receipt(kind, sent),
        "the address": receipt(kind, sent, address="Anna@Example.com"),
        "the address of somebody unknown": receipt(kind, address="anna@example.com"),
    }[names]
    planned(ledger, letter("offer", address=sent.address))
    planned(ledger, letter("order", address=sent.address, message_class="transactional"))
    ledger.apply_receipts([event], A_MINUTE_ON)
    picked = ledger.claim(A_MINUTE_ON, "postal", 10, 60)
    assert len(picked.claims) == int(is_order_sent)
    assert picked.suppressed == 2 - int(is_order_sent)


@pytest.mark.parametrize(("reason", "is_order_sent"), [("opt_out_word", False), ("opt_out_button", True)])
def test_a_stop_from_a_phone_ends_orders_too_and_a_button_ends_marketing(ledger, reason, is_order_sent):
    phone = "+12025550123"
    ledger.apply_receipts([receipt(EventKind.UNSUBSCRIBED, address=phone, reason=reason)], NOON)
    planned(ledger, letter("offer", address=phone))
    planned(ledger, letter("order", address=phone, message_class="transactional"))
    claims = ledger.claim(A_MINUTE_ON, "postal", 10, 60).claims
    assert [claim.message_id for claim in claims] == [letter("order").message_id] * is_order_sent


DAY = timedelta(days=1)
# what is said by phone and when, of two messages that were accepted at noon and a minute later
WORDS = {
    "a STOP is about the newest message": (EventKind.UNSUBSCRIBED, 2 * A_MINUTE, "second"),
    "an answer, too": (EventKind.REPLIED, 2 * A_MINUTE, "second"),
    "what came before the second is about the first": (EventKind.UNSUBSCRIBED, A_MINUTE / 2, "first"),
    "a week later it still is": (EventKind.UNSUBSCRIBED, 7 * DAY + A_MINUTE, "second"),
    "and then no more": (EventKind.UNSUBSCRIBED, 7 * DAY + A_MINUTE + SECOND, None),
    "a report of spam names its message": (EventKind.COMPLAINED, 2 * A_MINUTE, None),
}


@pytest.mark.parametrize(("kind", "later", "about"), WORDS.values(), ids=WORDS)
def test_a_word_from_a_phone_is_about_the_newest_message_of_the_week_before(ledger, kind, later, about):
    phone = "+12025550123"
    for number, name in enumerate(("first", "second", "refused")):
        message, at = letter(name, address=phone), NOON + number * A_MINUTE
        outcome = Outcome.REJECTED if name == "refused" else Outcome.ACCEPTED
        ledger.record(at, ended(in_flight(ledger, message, now=at), outcome))
    ledger.apply_receipts([receipt(kind, address=phone, occurred_at=NOON + later)], NOON + later)
    ids = {letter(name).message_id: name for name in ("first", "second", "refused")}
    assert [ids[row[-1]] for row in engagement(ledger)] == ([about] if about else [])


def test_a_word_to_one_provider_is_not_about_the_message_of_another(ledger, accepted):
    stop = receipt(EventKind.UNSUBSCRIBED, address=accepted.address, provider="another")
    assert ledger.apply_receipts([stop], A_MINUTE_ON) == Applied(waiting=1)
    assert engagement(ledger) == []


def test_a_come_back_by_word_is_on_record_and_lifts_nothing(ledger):
    phone = "+12025550123"
    ledger.apply_receipts([receipt(EventKind.UNSUBSCRIBED, address=phone, reason="opt_out_word")], NOON)
    ledger.apply_receipts([receipt(EventKind.REPLIED, address=phone, reason="resubscribed")], A_MINUTE_ON)
    planned(ledger, letter("order", address=phone, message_class="transactional"))
    assert ledger.claim(A_MINUTE_ON, "postal", 10, 60).claims == []


def test_a_complaint_suppresses_the_address_that_was_written_to_however_it_is_spelt(ledger):
    written_to, comes_back = "anna@xn--bcher-kva.de", "anna@bücher.de"
    sent = letter("anna", address=written_to)
    ledger.record(NOON, ended(in_flight(ledger, sent), Outcome.ACCEPTED))
    ledger.apply_receipts([receipt(EventKind.COMPLAINED, sent, address=comes_back)], A_MINUTE_ON)
    planned(ledger, letter("again", address=written_to), letter("other", address=comes_back))
    assert ledger.claim(A_MINUTE_ON, "postal", 10, 60).claims == []


def test_receipts_that_arrive_together_are_stored_together_or_not_at_all(ledger, accepted):
    good = receipt(EventKind.DELIVERED, accepted)
    bad = receipt(EventKind.READ, accepted, occurred_at=NOON.replace(tzinfo=None))
    with pytest.raises(ValueError, match="no time zone"):
        ledger.apply_receipts([good, bad], A_MINUTE_ON)
    assert ledger.apply_receipts([good], A_MINUTE_ON) == Applied(taken=1)


# A no that proves wrong


def refused_late(ledger, name="anna"):
    """A message that a provider took and then took back, and what would go out in its place."""
    message = letter(name, channel="rcs")
    ledger.record(NOON, ended(in_flight(ledger, message), Outcome.ACCEPTED))
    ledger.apply_receipts([receipt(EventKind.FAILED, message)], A_MINUTE_ON)
    return message, letter(f"{name} by sms", candidate_id=message.candidate_id)


def arrives(ledger, message, kind=EventKind.DELIVERED):
    ledger.apply_receipts([receipt(kind, message, occurred_at=A_MINUTE_ON)], A_MINUTE_ON)


@pytest.mark.parametrize("kind", [EventKind.DELIVERED, EventKind.READ, EventKind.CLICKED])
def test_what_arrived_after_it_was_said_to_be_taken_back_leaves_no_room_for_another(ledger, kind):
    message, instead = refused_late(ledger)
    arrives(ledger, message, kind)
    assert ledger.plan([(instead, "postal", frozen(instead))], A_MINUTE_ON) == Planned(candidate_taken=1)


@pytest.mark.parametrize("is_claimed", [False, True], ids=["planned", "claimed"])
def test_another_message_that_was_planned_in_its_place_and_has_not_left_does_not_leave(ledger, is_claimed):
    message, instead = refused_late(ledger)
    planned(ledger, instead, now=A_MINUTE_ON)
    claims = ledger.claim(A_MINUTE_ON, "postal", 9, 60).claims if is_claimed else []
    arrives(ledger, message)
    assert ledger.intent(A_MINUTE_ON, claims, 15) == ledger.claim(A_MINUTE_ON, "postal", 9, 60).claims == []
    assert (state_of(ledger, instead), reason_of(ledger, instead)) == (State.CANCELLED, "reached_after_all")
    third = letter("anna by mail", candidate_id=message.candidate_id)
    assert ledger.plan([(third, "postal", frozen(third))], A_MINUTE_ON) == Planned(candidate_taken=1)


def test_another_message_that_is_on_its_way_in_its_place_goes_on(ledger):
    message, instead = refused_late(ledger)
    attempts = in_flight(ledger, instead, now=A_MINUTE_ON)
    arrives(ledger, message)
    ledger.record(A_MINUTE_ON, ended(attempts, Outcome.ACCEPTED))
    assert (state_of(ledger, message), state_of(ledger, instead)) == (State.DELIVERED, State.ACCEPTED)


def test_nobody_else_s_message_is_kept_back(ledger):
    message, _ = refused_late(ledger)
    _, other = refused_late(ledger, "ben")
    planned(ledger, other, now=A_MINUTE_ON)
    arrives(ledger, message)
    assert state_of(ledger, other) is State.PLANNED
