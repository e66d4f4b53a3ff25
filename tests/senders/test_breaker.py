"""A route's circuit breaker: what opens it, whom it stops, and how it closes again, on both ledgers."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from letters import NOON, ended, in_flight, letter, letters, planned, state_of, tamper
from post_office import Postal

from senders.contract import Outcome, State, Verdict
from senders.delivery import Pace, deliver, plan
from senders.ledger import Ledger
from senders.store import Beside

PACE = Pace(first_break_seconds=30, longest_break_seconds=120)
FAILED = Verdict(Outcome.UNKNOWN, "connection_lost")
NOT_SENT = Verdict(Outcome.RETRY, "connection_failed")
LATER = Verdict(Outcome.RETRY, "rate_limited", retry_after_seconds=1.0)
ENOUGH = 8


def seconds(number):
    return timedelta(seconds=number)


def heed(ledger, *verdicts, now=NOON, is_probe=False):
    return ledger.heed_outcomes(now, "postal", verdicts, ENOUGH, PACE, is_probe=is_probe)


def opened(ledger, *, times=1):
    """The breaker opened so many times in a row; when the next message may be claimed."""
    now = NOON
    heed(ledger, *[FAILED] * ENOUGH, now=now)
    for _ in range(times - 1):
        now = ledger.breaker("postal").open_until
        heed(ledger, FAILED, now=now, is_probe=True)
    return ledger.breaker("postal").open_until


def claimed(ledger, now, limit=10):
    return ledger.claim(now, "postal", limit, 60).claims


# What opens it


@pytest.mark.parametrize("verdict", [FAILED, NOT_SENT], ids=["unclear", "known not sent"])
def test_failures_in_a_row_open_it_whichever_worker_and_whichever_tick_they_befell(
    ledger, ledger_place, verdict
):
    planned(ledger, *letters(3))
    with Ledger(ledger_place) as other:
        assert heed(ledger, *[verdict] * 5) == ""
        assert heed(other, *[verdict] * 2, now=NOON + seconds(60)) == ""
        assert heed(ledger, verdict, now=NOON + seconds(120)) == verdict.reason
        assert (claimed(other, NOON + seconds(149)), claimed(ledger, NOON + seconds(149))) == ([], [])


@pytest.mark.parametrize(
    "answer",
    [Verdict(Outcome.ACCEPTED, "accepted"), Verdict(Outcome.REJECTED, "invalid_content"), LATER],
    ids=["yes", "no", "later"],
)
def test_any_answer_in_between_begins_the_count_anew(ledger, answer):
    planned(ledger, *letters(3))
    heed(ledger, *[FAILED] * 7)
    assert heed(ledger, FAILED, answer, *[FAILED] * 7) == ""
    assert len(claimed(ledger, NOON)) == 3
    assert heed(ledger, FAILED) == "connection_lost"


# Whom it stops


def test_while_it_is_open_nothing_is_claimed_or_looked_into_and_there_is_no_work(ledger):
    doubtful = in_flight(ledger, letter("doubtful"))
    ledger.record(NOON, ended(doubtful, Outcome.UNKNOWN))
    ledger.record(NOON, ended(in_flight(ledger, letter("again")), Outcome.RETRY))
    planned(ledger, *letters(3), letter("later", due_at=NOON + seconds(10)))
    until = opened(ledger)
    just_before = until - seconds(0.001)
    assert (claimed(ledger, just_before), ledger.unknown_due(just_before, "postal", 9)) == ([], [])
    assert not ledger.has_work(just_before)
    assert ledger.next_attempt_at(NOON) == until
    assert ledger.has_work(until)
    assert len(ledger.unknown_due(until, "postal", 9)) == 1


def test_another_route_goes_on(ledger):
    opened(ledger)
    planned(ledger, letter("by another", channel="email"), provider="pigeon")
    assert ledger.has_work(NOON)
    assert len(ledger.claim(NOON, "pigeon", 9, 60).claims) == 1


def test_what_waits_for_it_still_expires(ledger):
    message = letter("short", expires_at=NOON + seconds(20))
    planned(ledger, message)
    assert opened(ledger) > message.expires_at
    assert ledger.has_work(message.expires_at)
    assert ledger.sweep(message.expires_at).expired == 1


# The probe


def test_of_all_workers_one_claims_one_message_to_see_and_the_next_when_its_lease_is_over(
    ledger, ledger_place
):
    planned(ledger, *letters(9))
    until = opened(ledger)
    with Ledger(ledger_place) as other:
        assert (len(claimed(ledger, until)), len(claimed(other, until))) == (1, 0)
        assert not other.has_work(until + seconds(59))
        assert ledger.sweep(until + seconds(60)).released == 1  # its sender died
        assert len(claimed(other, until + seconds(60))) == 1


def test_without_a_due_message_the_probe_is_not_spent(ledger):
    until = opened(ledger)
    assert claimed(ledger, until) == []
    planned(ledger, letter("anna"))
    assert len(claimed(ledger, until)) == 1


def test_a_probe_that_is_answered_closes_it_for_everybody(ledger, ledger_place):
    planned(ledger, *letters(9))
    until = opened(ledger, times=3)
    claimed(ledger, until)
    assert heed(ledger, Verdict(Outcome.ACCEPTED, "accepted"), now=until, is_probe=True) == ""
    with Ledger(ledger_place) as other:
        assert len(claimed(other, until)) == 8
    assert opened(ledger) == NOON + seconds(30)  # and the next time begins with the shortest pause


def test_a_probe_that_fails_opens_it_for_twice_as_long_up_to_the_longest(ledger):
    ends = [opened(ledger, times=times) - NOON for times in (1,)]
    for _ in range(4):
        now = ledger.breaker("postal").open_until
        heed(ledger, FAILED, now=now, is_probe=True)
        ends.append(ledger.breaker("postal").open_until - now)
    assert [end.total_seconds() for end in ends] == [30, 60, 120, 120, 120]


@pytest.mark.parametrize("ahead", [timedelta(minutes=10), timedelta(hours=25)], ids=str)
def test_a_clock_that_was_wrong_when_it_opened_keeps_nobody_waiting(ledger, ahead):
    planned(ledger, letter("anna", expires_at=NOON + 3 * ahead))
    heed(ledger, *[FAILED] * ENOUGH, now=NOON + ahead)
    assert ledger.has_work(NOON)
    assert len(claimed(ledger, NOON)) == 1  # to see how the provider is
    assert claimed(ledger, NOON) == []
    heed(ledger, FAILED, now=NOON + seconds(1), is_probe=True)
    assert ledger.breaker("postal").open_until == NOON + seconds(61)


def test_a_pause_that_would_be_taken_for_a_wrong_clock_s_is_refused():
    with pytest.raises(ValueError, match=r"longest_break_seconds is 600; it must be at most 300"):
        Pace(longest_break_seconds=600)


def test_calls_that_were_under_way_when_it_opened_do_not_open_it_again(ledger):
    until = opened(ledger)
    assert heed(ledger, *[FAILED] * 30, now=NOON + seconds(15)) == "connection_lost"
    assert ledger.breaker("postal").open_until == until


def test_a_person_who_frees_the_route_closes_it(ledger):
    planned(ledger, letter("anna"))
    opened(ledger)
    assert ledger.free_route("postal", "they are back", NOON)
    assert len(claimed(ledger, NOON)) == 1
    assert not ledger.free_route("postal", "they are back", NOON)


@pytest.mark.parametrize("version", [6, 7])
def test_a_ledger_from_before_there_were_breakers_gains_them(new_place, version):
    place = new_place()
    with Ledger(place) as ledger:
        planned(ledger, letter("anna"))
        tamper(ledger, "drop table route_breakers")
        kept_in = "update schema_version set version" if ledger.is_shared else "pragma user_version"
        tamper(ledger, f"{kept_in} = {version}")
    with Ledger(place) as ledger:
        opened(ledger)
        assert (claimed(ledger, NOON), ledger.counts()) == ([], {State.PLANNED: 1})


# The whole protocol


QUICK = Pace(first_backoff_seconds=0.1, patience_seconds=0.0)


def test_a_provider_that_is_down_for_many_ticks_is_called_a_few_times_and_then_gets_everything(
    ledger, office, clock
):
    office.behave = lambda message_id, nth: "reset_before"
    provider = Postal(office.url, dedupe_seconds=86_400)
    plan(ledger, {"sms": provider}, letters(200), clock())

    def tick():
        clock.forward(seconds=20)
        return deliver(ledger, {"sms": provider}, clock, 20, pace=QUICK).attempted

    first = tick()
    assert first <= 2 * QUICK.first_calls
    attempted = [tick() for _ in range(30)]  # ten minutes
    assert set(attempted) == {0, 1}
    assert 5 <= sum(attempted) <= 7  # after 30, 60, 120, 120 … seconds
    assert len(office.calls) == first + sum(attempted)
    burnt = tamper(ledger, "select sum(attempts) from messages").fetchone()[0]
    assert burnt == len(office.calls)
    office.behave = lambda message_id, nth: "accept"
    clock.forward(seconds=120)
    for _ in range(2):  # what had failed has its own pause to wait for
        tick()
    assert (ledger.counts(), len(office.taken)) == ({State.ACCEPTED: 200}, 200)


def test_a_token_that_cannot_be_had_opens_it_and_burns_no_attempt(ledger, office, clock):
    provider = Postal(office.url)

    async def broken(client):
        await client.post("http://127.0.0.1:1/token")

    working, provider.authorize = provider.authorize, broken
    plan(ledger, {"sms": provider}, letters(10), clock())
    deliver(ledger, {"sms": provider}, clock, 20, pace=QUICK)
    assert not ledger.has_work(clock())
    assert tamper(ledger, "select sum(attempts) from messages").fetchone()[0] == 0
    clock.forward(seconds=30)
    deliver(ledger, {"sms": provider}, clock, 20, pace=QUICK)
    provider.authorize = working
    assert not ledger.has_work(clock() + seconds(59))
    clock.forward(seconds=60)
    deliver(ledger, {"sms": provider}, clock, 20, pace=QUICK)
    assert ledger.counts() == {State.ACCEPTED: 10}


@pytest.mark.parametrize(("answer", "asked"), [("hang", 1), ("tell", 12)])
def test_while_it_is_half_open_look_ups_go_one_by_one_up_to_the_first_without_an_answer(
    ledger, office, clock, answer, asked
):
    provider = Postal(office.url, can_look_up=True)
    office.behave = lambda message_id, nth: "reset_after"
    office.behave_look_up = lambda message_id, nth: answer
    plan(ledger, {"sms": provider}, letters(12), clock())
    # Enough for all twelve to be under way before the first of them fails.
    slow = replace(QUICK, first_calls=12, call_seconds=2.0, connect_seconds=1.9)
    deliver(ledger, {"sms": provider}, clock, 20, pace=slow)
    assert ledger.counts() == {State.UNKNOWN: 12}
    clock.forward(seconds=slow.receipt_seconds)
    deliver(ledger, {"sms": provider}, clock, 20, pace=slow)
    assert [method for method, _ in office.calls].count("GET") == asked


def test_a_message_that_failed_is_not_the_only_one_that_is_tried(ledger, office, clock):
    """The one that the provider cannot take waits for its own time; others are the next probes."""
    provider = Postal(office.url, can_look_up=True)
    bad = letter("bad", priority=90)
    office.behave = lambda message_id, nth: "reset_before" if message_id == bad.message_id else "accept"
    plan(ledger, {"sms": provider}, [bad, *letters(3)], clock())
    clock.forward(seconds=(opened(ledger) - clock()).total_seconds())
    deliver(ledger, {"sms": provider}, clock, 20, pace=QUICK)
    assert (state_of(ledger, bad), len(office.taken)) == (State.UNKNOWN, 0)
    clock.forward(seconds=60)
    deliver(ledger, {"sms": provider}, clock, 20, pace=QUICK)
    assert len(office.taken) == 3


def test_a_lane_that_waits_for_its_probe_waits_quietly(ledger, office, clock):
    provider = Postal(office.url, can_look_up=True)
    office.behave = lambda message_id, nth: "hang"
    plan(ledger, {"sms": provider}, letters(3), clock())
    clock.forward(seconds=(opened(ledger) - clock()).total_seconds())
    told = []
    slow = replace(QUICK, call_seconds=1.0, connect_seconds=0.9)
    deliver(ledger, {"sms": provider}, clock, 20, on_progress=told.append, pace=slow)
    assert len(office.calls) == 1
    assert len(told) < 10


def test_two_workers_that_find_it_half_open_at_once_send_one_probe(server_ledger):
    planned(server_ledger, *letters(9))
    until = opened(server_ledger)
    with Ledger(server_ledger.place) as other, ThreadPoolExecutor(1) as pool:
        with server_ledger.transaction(Beside.SENDERS):
            mine = claimed(server_ledger, until)
            theirs = pool.submit(claimed, other, until)
            time.sleep(0.2)  # it waits for what this transaction makes of the breaker
            assert not theirs.done()
        assert (len(mine), theirs.result()) == (1, [])


def test_workers_of_a_route_that_once_failed_do_not_wait_for_each_other(server_ledger):
    planned(server_ledger, *letters(9))
    heed(server_ledger, FAILED)
    with Ledger(server_ledger.place) as other, server_ledger.transaction(Beside.SENDERS):
        assert len(claimed(server_ledger, NOON, limit=4)) == 4
        assert len(claimed(other, NOON, limit=4)) == 4
