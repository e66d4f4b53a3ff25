"""One ledger on a server, many writers: what a file's single writer gives by itself has to hold here too."""

import signal
import sqlite3
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from database_server import DatabaseServer
from letters import NOON, Clock, ended, in_flight, letter, letters, planned, state_of, tamper
from post_office import Postal
from test_delivery_recovery import sender, wait_until

from senders.contract import EventKind, Outcome, ProviderEvent, State
from senders.delivery import Pace, deliver, plan
from senders.entries import Settlement
from senders.ledger import Ledger, LedgerError
from senders.ledger_server import LedgerServer
from senders.store import Beside

A_MINUTE = timedelta(minutes=1)
QUICK = Pace(first_backoff_seconds=0.1, patience_seconds=0.0)


@pytest.fixture
def place(database_server: DatabaseServer) -> LedgerServer:
    return database_server.fresh()


@pytest.fixture
def ledger(place):
    with Ledger(place) as opened:
        yield opened


@pytest.fixture
def other(place):
    with Ledger(place) as opened:
        yield opened


class Meanwhile:
    """Something done by another thread, which the test may find waiting."""

    def __init__(self, work):
        self.result = None
        self._thread = threading.Thread(target=self._run, args=(work,))
        self._thread.start()

    def _run(self, work):
        self.result = work()

    def is_waiting(self, seconds=0.4):
        self._thread.join(seconds)
        return self._thread.is_alive()

    def done(self):
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self.result


def sequence_numbers(ledger):
    return [row[0] for row in ledger.journal_since(0, 1000)]


# The journal


def test_a_lower_number_that_is_committed_later_is_never_read_past(place, ledger, other):
    with Ledger(place) as reader:
        with ledger.transaction(Beside.SENDERS):
            planned_beside(ledger, "first")  # draws number 1 and does not commit yet
            with other.transaction(Beside.SENDERS):
                planned_beside(other, "second")  # draws number 2 and commits
            assert visible_numbers(reader) == [2]
            page = Meanwhile(lambda: sequence_numbers(reader))
            assert page.is_waiting()
        assert page.done() == [1, 2]


def test_what_was_undone_leaves_a_gap_and_holds_up_no_reader(ledger, other):
    def undone():
        with ledger.transaction(Beside.SENDERS):
            planned_beside(ledger, "undone")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        undone()
    planned(other, letter("kept"))
    assert sequence_numbers(other) == [2]


def test_whoever_writes_the_journal_past_the_program_is_waited_for_too(place, ledger):
    with Ledger(place) as by_hand:
        tamper(by_hand, "begin")
        tamper(by_hand, "insert into journal (happened_at, kind, to_state) values ('2022', 'route', 'free')")
        page = Meanwhile(lambda: sequence_numbers(ledger))
        assert page.is_waiting()
        tamper(by_hand, "commit")
    assert page.done() == [1]


def planned_beside(ledger, name):
    message = letter(name)
    values = {name: getattr(message, name) for name in ("message_id", "candidate_id", "decision_id")}
    columns = (
        "journey, journey_version, step, message_class, channel, provider, user_id, event_id, priority, "
        "address, address_key, on_unknown, due_at, expires_at, planned_at, state_at, wake_at"
    )
    tamper(
        ledger,
        f"insert into messages ({', '.join(values)}, {columns}) values ({str(list(values.values()))[1:-1]}, "
        "'j', '1', 's', 'marketing', 'sms', 'postal', 'u', 'e', 1, 'a', 'a', 'hold', "
        "'2022', '2023', '2022', '2022', '2022')",
    )


def visible_numbers(ledger):
    return [row[0] for row in tamper(ledger, "select seq from journal order by seq")]


# What forbids is seen by whoever claims after it


FORBID = {
    "the kill switch": lambda ledger, message: ledger.stop("all", "", "drill", NOON),
    "an opt-out": lambda ledger, message: ledger.suppress(message.address, "all", "stop", NOON),
    "a refusal": lambda ledger, message: ledger.refuse(message.user_id, "sms", "marketing", "no", NOON),
    "a cancellation": lambda ledger, message: ledger.cancel(message.message_id, "bought", NOON),
}


@pytest.mark.parametrize("what", FORBID)
def test_no_intent_is_committed_after(ledger, other, what):
    """It waits for the intents under way, and whoever comes after it sees it."""
    message = letter("anna")
    planned(ledger, message, letter("bert"))
    (bert, anna) = sorted(ledger.claim(NOON, "postal", 2, 60).claims, key=lambda claim: claim.address)[::-1]
    with ledger.transaction(Beside.SENDERS):
        assert len(ledger.intent(NOON, [bert], 15)) == 1
        forbidding = Meanwhile(lambda: FORBID[what](other, message))
        assert forbidding.is_waiting()
    forbidding.done()
    assert ledger.intent(NOON, [anna], 15) == []


def test_a_receipt_in_the_same_moment_as_the_answer_finds_its_message(ledger, other):
    message = letter("anna")
    attempts = in_flight(ledger, message)
    receipt = ProviderEvent("1", "postal", EventKind.DELIVERED, NOON, provider_message_id="L1")
    with ledger.transaction(Beside.SENDERS):
        ledger.record(NOON, ended(attempts, Outcome.ACCEPTED, provider_message_id="L1"))
        arriving = Meanwhile(lambda: other.apply_receipts([receipt], NOON))
        assert arriving.is_waiting()
    assert arriving.done().taken == 1
    assert state_of(ledger, message) is State.DELIVERED


def test_a_sender_with_a_slow_clock_does_not_call_what_was_swept(ledger, other):
    planned(ledger, letter("anna"))
    claims = ledger.claim(NOON, "postal", 1, 60).claims
    with other.transaction(Beside.SENDERS):
        assert other.change("sweep_claimed", {"now": "2022-11-05T12:30:00.000000", "limit": 10}) == 1
        intent = Meanwhile(lambda: ledger.intent(NOON, claims, 15))
        assert intent.is_waiting()
    assert intent.done() == []


def test_what_was_found_out_about_one_attempt_says_nothing_about_the_next(ledger, other):
    ledger.record(NOON, ended(in_flight(ledger, letter("anna")), Outcome.UNKNOWN))
    (stale,) = ledger.unknown_due(NOON, "postal", 9)
    assert other.settle(NOON, [Settlement(stale, State.RETRY_WAIT, "no_record", NOON)]) == 1
    later = NOON + A_MINUTE
    attempts = other.intent(later, other.claim(later, "postal", 1, 60).claims, 15)
    other.record(later, ended(attempts, Outcome.UNKNOWN))
    assert ledger.settle(later, [Settlement(stale, State.RETRY_WAIT, "no_record", NOON)]) == 0


def test_answers_lock_their_messages_in_one_order_whatever_became_of_each(ledger, other):
    attempts = sorted(in_flight(ledger, *letters(3)), key=lambda attempt: attempt.claim.message_no)
    first, second, third = attempts
    answers = ended([first, third], Outcome.ACCEPTED) + ended([second], Outcome.RETRY)
    locked = "select 1 from messages where message_no = {} for update nowait"
    with other.transaction(Beside.SENDERS):
        tamper(other, locked.format(second.claim.message_no))
        recording = Meanwhile(lambda: ledger.record(NOON, answers))
        assert recording.is_waiting()
        tamper(other, locked.format(third.claim.message_no))  # nobody who waits for the second has the third
    assert recording.done() == 3


def test_a_claim_passes_over_what_another_worker_is_claiming(ledger, other):
    planned(ledger, *letters(10))
    with ledger.transaction(Beside.SENDERS):
        mine = ledger.claim(NOON, "postal", 4, 60).claims
        theirs = other.claim(NOON, "postal", 10, 60).claims
    assert (len(mine), len(theirs)) == (4, 6)


# Workers


def delivered_by(ledger, office, clock, **capabilities):
    return deliver(ledger, {"sms": Postal(office.url, **capabilities)}, clock, 20, pace=QUICK)


def test_two_workers_share_one_pace_and_send_every_message_once(place, ledger, office):
    called_at = []
    office.on_call = lambda message_id: called_at.append(time.monotonic())
    plan(ledger, {"sms": Postal(office.url)}, letters(300), NOON)
    workers = [sender(place, office.url) for _ in range(2)]  # at 100 a second
    assert [worker.wait(60) for worker in workers] == [0, 0]
    assert ledger.counts() == {State.ACCEPTED: 300}
    assert sorted(office.times_taken.values()) == [1] * 300
    busiest = max(sum(at <= other < at + 1 for other in called_at) for at in called_at)
    assert busiest <= 100 + 15  # as they arrive: a busy machine lets some wait for those that come after
    assert (300 - 2 * 10) / 100 * 0.95 <= called_at[-1] - called_at[0] < 300 / 100 * 1.5


def test_of_two_workers_one_is_killed_in_flight_and_nothing_is_lost_or_doubled(place, ledger, office):
    hung = threading.Event()
    office.behave = lambda message_id, nth: "hang" if hung.is_set() else "accept"
    plan(ledger, {"sms": Postal(office.url)}, letters(200), NOON)
    dying = sender(place, office.url)
    wait_until(lambda: len(office.calls) > 20)
    hung.set()
    calls = len(office.calls)
    wait_until(lambda: len(office.calls) > calls + 3)
    dying.send_signal(signal.SIGKILL)
    dying.wait()
    hung.clear()
    living = sender(place, office.url)
    assert living.wait(60) == 0
    in_flight = ledger.counts()[State.IN_FLIGHT]
    assert delivered_by(ledger, office, Clock(NOON + 2 * A_MINUTE)).held == in_flight > 0
    assert ledger.counts() == {State.ACCEPTED: 200 - in_flight, State.HELD: in_flight}
    assert Counter(office.times_taken.values()) == {1: 200}


def test_a_pause_that_a_provider_asked_one_worker_for_holds_for_all(ledger, other):
    take = {"provider": "postal", "wanted": 5, "per_second": 100.0, "batch": 10, "span": 1.02}
    assert ledger.value("take_calls", take) == 5
    ledger.run("pause_calls", {"provider": "postal", "seconds": 30.0})
    row = other.run("take_calls", take).fetchone()
    assert (row["granted"], 29 < row["wait_seconds"] <= 30) == (0, True)


# The connection


def test_a_connection_that_broke_loses_its_transaction_and_is_made_anew(place, ledger, other):
    mine = tamper(ledger, "select pg_backend_pid()").fetchone()[0]
    switch = {"scope": "all", "name": "", "is_stopped": 1, "reason": "", "now": "2022"}

    def cut_off():
        with ledger.transaction():
            ledger.run("turn_switch", switch)
            tamper(other, f"select pg_terminate_backend({mine}, 5000)")
            ledger.run("turn_switch", switch | {"is_stopped": 0})

    with pytest.raises(sqlite3.OperationalError):
        cut_off()
    assert ledger.stopped_switches() == []
    ledger.stop("all", "", "drill", NOON)
    assert other.stopped_switches() == [("all", "", "drill")]


def test_a_failed_statement_that_somebody_swallowed_is_not_called_committed(ledger):
    with (
        pytest.raises(sqlite3.OperationalError, match="nothing was committed"),
        ledger.transaction(),
        pytest.raises(sqlite3.IntegrityError),
    ):
        tamper(ledger, "insert into switches values ('all', 'rcs', 1, '', '2022')")


def test_a_worker_that_froze_inside_a_transaction_loses_it(place):
    with Ledger(place) as frozen:
        wait = tamper(frozen, "show idle_in_transaction_session_timeout").fetchone()[0]
        patience = tamper(frozen, "show lock_timeout").fetchone()[0]
    assert (wait, patience) == ("15s", "15s")


def test_a_commit_to_a_server_is_on_its_disk_even_where_that_is_not_usual(place):
    careless = replace(place, url=f"{place.url}&options=-c%20synchronous_commit%3Doff")
    with Ledger(careless) as ledger:
        assert tamper(ledger, "show synchronous_commit").fetchone()[0] == "on"


def test_text_with_a_character_that_a_server_cannot_hold_stops_nobody(ledger):
    odd = letter("anna", user_id="a\0b")
    planned(ledger, odd, letter("bert"))
    assert len(ledger.claim(NOON, "postal", 9, 60).claims) == 2
    assert [user_id for user_id in users(ledger) if user_id.startswith("a")] == ["a\ufffdb"]


def users(ledger):
    return [row[0] for row in tamper(ledger, "select user_id from messages")]


def test_a_code_is_given_once_however_it_is_spelt(ledger):
    grant = {"pool": "p", "label": None, "expires_at": None, "now": "2022"}
    assert ledger.change("grant_code", {**grant, "code": "SAVE10", "message_id": "a"}) == 1
    assert ledger.change("grant_code", {**grant, "code": "save10", "message_id": "b"}) == 0
    known = ledger.run("granted_codes", {"message_ids": '["a", "b"]'}).fetchall()
    assert [(row["message_id"], row["code"]) for row in known] == [("a", "SAVE10"), ("b", None)]


def test_a_newer_server_or_one_that_is_away_is_refused_by_name_and_without_the_password(database_server):
    newer = database_server.empty()
    with Ledger(newer) as ledger:
        tamper(ledger, "update schema_version set version = 99")
    with pytest.raises(LedgerError, match="has schema version 99"):
        Ledger(newer)
    away = LedgerServer("postgresql://dovecote:hush-hush@127.0.0.1:1/ledger")
    with pytest.raises(LedgerError, match=r"postgresql://127\.0\.0\.1:1/ledger cannot be opened") as told:
        Ledger(away)
    assert "hush" not in f"{told.value!r} {away} {away!r}"
