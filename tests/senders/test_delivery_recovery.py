"""After a crash, and after an outcome that nobody knows: nothing lost, nothing guessed, nothing twice."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from letters import NOON, Clock, ended, frozen, in_flight, letter, letters, reason_of, state_of
from post_office import Postal

from senders.contract import EventKind, Outcome, ProviderEvent, State
from senders.delivery import Pace, deliver, plan
from senders.entries import Planned, Settlement
from senders.ledger import Ledger
from senders.ledger_server import LedgerServer

QUICK = Pace(first_backoff_seconds=0.1, patience_seconds=0.0)
IMPATIENT = replace(QUICK, call_seconds=0.3, connect_seconds=0.2)
HERE = Path(__file__).parent


def sender(place: Path | LedgerServer, url: str) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])])}
    where = getattr(place, "url", place)
    arguments = [sys.executable, HERE / "delivering_process.py", where, url, NOON.isoformat()]
    return subprocess.Popen([str(argument) for argument in arguments], env=environment)


def wait_until(is_true, seconds=30.0):
    ends_at = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < ends_at, "it did not happen in time"
        time.sleep(0.01)


def deliver_again(ledger, office, clock, pace=QUICK, **capabilities):
    return deliver(ledger, {"sms": Postal(office.url, **capabilities)}, clock, 20, pace=pace)


# kill -9


def killed_while_calling(place, office) -> Ledger:
    """A ledger whose sender was killed with some messages answered, some in flight, the rest planned."""
    calls_before_it_hangs = 20
    office.behave = lambda message_id, nth: "accept" if len(office.calls) <= calls_before_it_hangs else "hang"
    ledger = Ledger(place)
    plan(ledger, {"sms": Postal(office.url)}, letters(200), NOON)
    process = sender(place, office.url)
    try:
        wait_until(lambda: len(office.calls) > calls_before_it_hangs + 3)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    office.behave = lambda message_id, nth: "accept"
    return ledger


def test_a_sender_killed_between_intent_and_record_leaves_unknown_and_nothing_is_sent_twice(
    ledger_place, office
):
    with killed_while_calling(ledger_place, office) as ledger:
        in_flight = ledger.counts()[State.IN_FLIGHT]
        assert in_flight > 3
        clock = Clock(NOON + timedelta(minutes=2))  # past the dead sender's lease
        summary = deliver_again(ledger, office, clock)
        assert (summary.unknown, summary.held) == (in_flight, in_flight)
        assert max(office.times_taken.values()) == 1
        assert ledger.counts() == {State.ACCEPTED: 200 - in_flight, State.HELD: in_flight}


def test_after_a_kill_a_provider_that_dedupes_gets_every_message_once(ledger_place, office):
    office.is_deduping = True
    with killed_while_calling(ledger_place, office) as ledger:
        clock = Clock(NOON + timedelta(minutes=2))
        deliver_again(ledger, office, clock, dedupe_seconds=86_400)
        clock.forward(minutes=1)
        deliver_again(ledger, office, clock, dedupe_seconds=86_400)
        assert ledger.counts() == {State.ACCEPTED: 200}
        assert sorted(office.times_taken.values()) == [1] * 200
        assert len(set(office.taken)) == 200


def test_while_the_dead_senders_lease_lasts_nobody_touches_its_messages(ledger_place, office):
    with killed_while_calling(ledger_place, office) as ledger:
        before = ledger.counts()
        assert deliver_again(ledger, office, Clock(NOON + timedelta(seconds=20))).unknown == 0
        assert ledger.counts()[State.IN_FLIGHT] == before[State.IN_FLIGHT]
        assert max(office.times_taken.values()) == 1


def test_two_senders_at_once_send_every_message_once(ledger_place, office):
    with Ledger(ledger_place) as ledger:
        plan(ledger, {"sms": Postal(office.url)}, letters(300), NOON)
        processes = [sender(ledger_place, office.url) for _ in range(2)]
        assert [process.wait(60) for process in processes] == [0, 0]
        assert ledger.counts() == {State.ACCEPTED: 300}
    assert sorted(office.times_taken.values()) == [1] * 300


# Unknown outcomes: (what the provider can do, what happened, the state in the end, times taken)

SETTLED = [
    ({}, "reset_before", State.HELD, 0),
    ({}, "reset_after", State.HELD, 1),
    ({"dedupe_seconds": 86_400}, "reset_before", State.ACCEPTED, 1),
    ({"dedupe_seconds": 86_400}, "reset_after", State.ACCEPTED, 1),
    ({"can_look_up": True}, "reset_before", State.ACCEPTED, 1),
    ({"can_look_up": True}, "reset_after", State.ACCEPTED, 1),
    ({"echoes_message_id": True}, "reset_before", State.HELD, 0),
    ({"echoes_message_id": True, "has_receipts": False}, "reset_after", State.HELD, 1),
    ({"dedupe_seconds": 30}, "reset_after", State.HELD, 1),
]


@pytest.mark.parametrize(("capabilities", "behaviour", "state", "taken"), SETTLED)
def test_an_unknown_outcome_is_settled_by_what_the_provider_can_do(
    ledger, office, clock, capabilities, behaviour, state, taken
):
    office.is_deduping = "dedupe_seconds" in capabilities
    office.behave = lambda message_id, nth: behaviour if nth == 0 else "accept"
    message = letter("anna")
    plan(ledger, {"sms": Postal(office.url)}, [message], clock())
    deliver_again(ledger, office, clock, **capabilities)
    assert state_of(ledger, message) in (State.UNKNOWN, State.HELD)
    for _ in range(5):
        clock.forward(minutes=2)
        deliver_again(ledger, office, clock, **capabilities)
    assert state_of(ledger, message) is state
    assert len(office.taken) == taken
    assert not ledger.has_work(clock())


@pytest.mark.parametrize(
    ("on_unknown", "state", "taken"),
    [("hold", State.HELD, 1), ("drop", State.CANCELLED, 1), ("resend", State.ACCEPTED, 2)],
)
def test_where_nobody_can_tell_the_journey_decides(ledger, office, clock, on_unknown, state, taken):
    office.behave = lambda message_id, nth: "reset_after" if nth == 0 else "accept"
    message = letter("anna", on_unknown=on_unknown)
    plan(ledger, {"sms": Postal(office.url)}, [message], clock())
    for _ in range(3):
        deliver_again(ledger, office, clock)
        clock.forward(minutes=1)
    assert (state_of(ledger, message), len(office.taken)) == (state, taken)
    fallback = letter("anna by rcs", candidate_id=message.candidate_id)  # never from an open outcome
    assert ledger.plan([(fallback, "postal", frozen(fallback))], clock()) == Planned(candidate_taken=1)


def test_a_receipt_settles_an_unknown_outcome_before_anybody_is_asked(ledger, office, clock):
    office.behave = lambda message_id, nth: "reset_after"
    message = letter("anna")
    can = {"can_look_up": True, "echoes_message_id": True}
    plan(ledger, {"sms": Postal(office.url)}, [message], clock())
    deliver_again(ledger, office, clock, **can)
    clock.forward(seconds=30)
    assert not ledger.has_work(clock())  # the receipt has its time
    told = ProviderEvent("1", "postal", EventKind.DELIVERED, clock(), message_id=message.message_id)
    ledger.apply_receipts([told], clock())
    clock.forward(hours=1)
    assert not ledger.has_work(clock())
    assert state_of(ledger, message) is State.DELIVERED
    assert len(office.calls) == 1


def test_what_a_dead_sender_left_waits_for_its_receipt_too(ledger, office, clock):
    message = letter("anna")
    in_flight(ledger, message)
    clock.forward(minutes=2)
    deliver_again(ledger, office, clock, echoes_message_id=True)
    assert state_of(ledger, message) is State.UNKNOWN
    clock.forward(seconds=60)
    assert not ledger.has_work(clock())
    clock.forward(seconds=60)
    deliver_again(ledger, office, clock, echoes_message_id=True)
    assert state_of(ledger, message) is State.HELD


def test_each_provider_settles_only_its_own_unknown_outcomes(ledger, office, clock):
    office.behave = lambda message_id, nth: "reset_after"
    providers = {
        "sms": Postal(office.url),
        "rcs": Postal(office.url, name="asked", channel="rcs", can_look_up=True),
    }
    held, found = letter("held"), letter("found", channel="rcs")
    plan(ledger, providers, [held, found], clock())
    for _ in range(2):
        deliver(ledger, providers, clock, 20, pace=QUICK)
        clock.forward(minutes=2)
    assert (state_of(ledger, held), state_of(ledger, found)) == (State.HELD, State.ACCEPTED)
    assert office.calls.count(("GET", f"/letters/{held.message_id}")) == 0


@pytest.mark.parametrize("trouble", ["hang", "break", "truncate", "reset_before"])
def test_a_look_up_without_a_clear_answer_is_repeated_and_then_given_up(ledger, office, clock, trouble):
    office.behave = lambda message_id, nth: "reset_after"
    office.behave_look_up = lambda message_id, nth: trouble
    message = letter("anna")
    plan(ledger, {"sms": Postal(office.url)}, [message], clock())
    deliver_again(ledger, office, clock, can_look_up=True)
    for _ in range(20):
        clock.forward(minutes=1)
        deliver_again(ledger, office, clock, IMPATIENT if trouble == "hang" else QUICK, can_look_up=True)
    assert (state_of(ledger, message), reason_of(ledger, message)) == (State.HELD, "outcome_unknown")
    look_ups = [call for call in office.calls if call[0] == "GET"]
    assert 10 <= len(look_ups) <= 15
    assert len(office.calls) - len(look_ups) == 1


def test_repeating_an_id_is_harmless_only_inside_the_providers_window(ledger, office, clock):
    """It waits for its second try behind a blocked route until the window has closed."""
    can = {"dedupe_seconds": 600}
    office.is_deduping = True
    office.behave = lambda message_id, nth: "reset_after" if nth == 0 else "accept"
    message = letter("anna")
    plan(ledger, {"sms": Postal(office.url)}, [message], clock())
    deliver_again(ledger, office, clock, **can)
    ledger.block_route("postal", "sms", "account_suspended", clock())
    clock.forward(minutes=1)
    deliver_again(ledger, office, clock, **can)
    assert state_of(ledger, message) in (State.RETRY_WAIT, State.PLANNED)  # its turn may have come
    clock.forward(minutes=15)
    ledger.free_route("postal", "paid", clock())
    deliver_again(ledger, office, clock, **can)
    assert (state_of(ledger, message), len(office.calls)) == (State.HELD, 1)


def test_a_message_that_expires_while_its_outcome_is_open_is_not_called_unsent(ledger, office, clock):
    can = {"dedupe_seconds": 86_400}
    office.behave = lambda message_id, nth: "reset_after" if nth == 0 else "busy"
    message = letter("anna", expires_at=NOON + timedelta(minutes=5))
    plan(ledger, {"sms": Postal(office.url)}, [message], clock())
    for _ in range(8):
        deliver_again(ledger, office, clock, **can)
        clock.forward(minutes=1)
    assert state_of(ledger, message) is State.HELD
    assert not ledger.has_work(clock())


def test_cancelling_or_suppressing_a_message_with_an_open_outcome_frees_no_other_channel(
    ledger, office, clock
):
    can = {"dedupe_seconds": 86_400}
    office.behave = lambda message_id, nth: "reset_after"
    bought, stopped = letter("bought"), letter("stopped")
    plan(ledger, {"sms": Postal(office.url)}, [bought, stopped], clock())
    deliver_again(ledger, office, clock, **can)
    ledger.block_route(
        "postal", "sms", "account_suspended", clock()
    )  # so that they wait for their second try
    clock.forward(minutes=1)
    deliver_again(ledger, office, clock, **can)
    assert ledger.cancel(bought.message_id, "bought", clock()) is State.HELD
    ledger.suppress(stopped.address, "all", "stop", clock())
    ledger.free_route("postal", "paid", clock())
    clock.forward(minutes=1)
    deliver_again(ledger, office, clock, **can)
    assert state_of(ledger, stopped) is State.SUPPRESSED
    for message in (bought, stopped):
        fallback = letter(
            "fallback", message_id=f"{message.user_id} by rcs", candidate_id=message.candidate_id
        )
        assert ledger.plan([(fallback, "postal", frozen(fallback))], clock()) == Planned(candidate_taken=1)
    assert len(office.calls) == 2


def test_a_look_up_that_is_refused_blocks_the_route(ledger, office, clock):
    class Strict(Postal):
        def judge_look_up(self, message_id, answer):
            return self.judge(replace(answer, status=401))

    office.behave = lambda message_id, nth: "reset_after"
    message = letter("anna")
    provider = Strict(office.url, can_look_up=True)
    plan(ledger, {"sms": provider}, [message], clock())
    for _ in range(2):
        deliver(ledger, {"sms": provider}, clock, 20, pace=QUICK)
        clock.forward(minutes=2)
    assert ledger.blocked_routes() == {"postal": "credentials_refused"}
    assert state_of(ledger, message) is State.UNKNOWN


def test_a_no_to_the_second_try_frees_no_other_channel_while_the_first_is_open(ledger, office, clock):
    can = {"dedupe_seconds": 86_400}
    office.behave = lambda message_id, nth: "hang" if nth == 0 else "refuse"
    message = letter("anna")
    plan(ledger, {"sms": Postal(office.url)}, [message], clock())
    for pace in (replace(QUICK, call_seconds=1.0, connect_seconds=0.9), QUICK, QUICK):
        deliver_again(ledger, office, clock, pace, **can)
        clock.forward(minutes=1)
    assert (state_of(ledger, message), len(office.calls)) == (State.REJECTED, 2)
    fallback = letter("anna by rcs", candidate_id=message.candidate_id)
    assert ledger.plan([(fallback, "postal", frozen(fallback))], clock()) == Planned(candidate_taken=1)


def tried_twice(ledger):
    """The second try's attempt, in flight under an id that the provider ignores the second time."""
    (first,) = in_flight(ledger, letter("anna"))
    ledger.record(NOON, ended([first], Outcome.UNKNOWN))
    (unknown,) = ledger.unknown_due(NOON, "postal", 1)
    until = NOON + timedelta(minutes=10)
    again = Settlement(unknown, State.RETRY_WAIT, "repeated_id_is_ignored", NOON, resend_until=until)
    ledger.settle(NOON, [again])
    (claim,) = ledger.claim(NOON, "postal", 1, 60).claims
    return ledger.intent(NOON, [claim], 15)


@pytest.mark.parametrize("settled_as", [State.UNKNOWN, State.HELD])
def test_that_the_second_try_was_not_sent_says_nothing_about_the_first(ledger, settled_as):
    """It was frozen meanwhile: the lease ran out, and with it the time for repeating the id."""
    second = tried_twice(ledger)
    later = NOON + timedelta(minutes=11)
    ledger.sweep(later)
    (unknown,) = ledger.unknown_due(later, "postal", 1)
    wake_at = later if settled_as is State.UNKNOWN else None
    ledger.settle(later, [Settlement(unknown, settled_as, "nobody_can_tell", wake_at)])
    ledger.record(later, ended(second, Outcome.RETRY))
    assert state_of(ledger, letter("anna")) is State.RETRY_WAIT
    ledger.sweep(later + timedelta(hours=12))
    assert (state_of(ledger, letter("anna")), reason_of(ledger, letter("anna"))) == (
        State.UNKNOWN,
        "not_resent_in_time",
    )


def test_a_person_may_send_once_more_what_was_cancelled_between_two_tries(ledger, office, clock):
    can = {"dedupe_seconds": 600}
    office.behave = lambda message_id, nth: "reset_before" if nth == 0 else "accept"
    message = letter("anna")
    plan(ledger, {"sms": Postal(office.url)}, [message], clock())
    deliver_again(ledger, office, clock, **can)
    ledger.block_route("postal", "sms", "account_suspended", clock())
    clock.forward(minutes=1)
    deliver_again(ledger, office, clock, **can)
    assert ledger.cancel(message.message_id, "bought", clock()) is State.HELD
    ledger.free_route("postal", "paid", clock())
    clock.forward(hours=1)
    assert ledger.decide_held(message.message_id, is_sent_again=True, reason="by hand", now=clock())
    deliver_again(ledger, office, clock, **can)
    assert state_of(ledger, message) is State.ACCEPTED
