"""Planning, claiming, intent and record: what the ledger lets happen, and what it refuses."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from letters import NOON, ended, frozen, in_flight, letter, letters, planned, reason_of, state_of, tamper

from senders.contract import EventKind, Outcome, ProviderEvent, Request, State, Verdict
from senders.entries import Planned, Recorded, Refusal, Settlement
from senders.ledger import Ledger, LedgerError
from senders.warm_up import parse

MINUTE = timedelta(minutes=1)


def claimed_names(ledger, limit=100, provider="postal", now=NOON):
    return [claim.address.partition("@")[0] for claim in ledger.claim(now, provider, limit, 60).claims]


# Plan


def test_a_message_is_never_planned_twice_however_it_is_rendered_the_second_time(ledger):
    first = letter("anna")
    planned(ledger, first)
    again = ledger.plan([(first, "postal", Request("PUT", "/other", b"other"))], NOON)
    assert again == Planned(already_planned=1)
    (claim,) = ledger.claim(NOON, "postal", 10, 60).claims
    assert claim.request == frozen(first)


def test_the_same_message_twice_in_one_batch_is_planned_once(ledger):
    batch = [(letter("anna"), "postal", frozen(letter("anna")))] * 3
    assert ledger.plan(batch, NOON) == Planned(planned=1, already_planned=2)


def test_a_candidate_has_one_live_message_whatever_the_channel(ledger):
    planned(ledger, letter("anna", channel="rcs"))
    fallback = letter("anna by sms", candidate_id=letter("anna").candidate_id)
    assert ledger.plan([(fallback, "postal", frozen(fallback))], NOON) == Planned(candidate_taken=1)


@pytest.mark.parametrize(
    ("outcome", "is_free"),
    [
        (Outcome.REJECTED, True),
        (Outcome.SUPPRESSED, True),
        (Outcome.ACCEPTED, False),
        (Outcome.UNKNOWN, False),
        (Outcome.RETRY, False),
        (Outcome.ROUTE_BLOCKED, False),
    ],
)
def test_another_channel_is_free_only_after_a_certain_no(ledger, outcome, is_free):
    first = letter("anna", channel="rcs")
    ledger.record(NOON, ended(in_flight(ledger, first), outcome))
    fallback = letter("anna by sms", candidate_id=first.candidate_id)
    result = ledger.plan([(fallback, "postal", frozen(fallback))], NOON)
    assert result == (Planned(planned=1) if is_free else Planned(candidate_taken=1))


def test_a_message_without_a_request_is_rejected_on_record_and_frees_its_candidate(ledger):
    bad = letter("anna")
    assert ledger.plan([(bad, "postal", Refusal("no_request: too long"))], NOON) == Planned(refused=1)
    assert (state_of(ledger, bad), reason_of(ledger, bad)) == (State.REJECTED, "no_request: too long")
    assert ledger.plan([(bad, "postal", frozen(bad))], NOON) == Planned(already_planned=1)
    other = letter("anna by sms", candidate_id=bad.candidate_id)
    assert ledger.plan([(other, "postal", frozen(other))], NOON) == Planned(planned=1)


def test_a_batch_that_breaks_a_rule_leaves_nothing_behind(ledger):
    batch = [(letter("anna"), "postal", frozen(letter("anna")))]
    bad = replace(letter("bert"), on_unknown="perhaps")
    with pytest.raises(sqlite3.IntegrityError, match="on_unknown_is_known"):
        ledger.plan([*batch, (bad, "postal", frozen(bad))], NOON)
    assert ledger.counts() == {}
    assert ledger.last_seq() == 0


def test_a_naive_time_is_refused_in_words(ledger):
    with pytest.raises(ValueError, match="has no time zone"):
        ledger.plan([], NOON.replace(tzinfo=None))


# Claim


def test_transactional_messages_go_first_then_priority_then_what_is_due_longest(ledger):
    planned(
        ledger,
        letter("low", priority=10, due_at=NOON - timedelta(hours=2)),
        letter("high", priority=90),
        letter("high earlier", priority=90, due_at=NOON - timedelta(hours=1)),
        letter("order", priority=0, message_class="transactional"),
    )
    assert claimed_names(ledger, 2) == ["order", "high earlier"]
    assert claimed_names(ledger) == ["high", "low"]


def test_a_paused_route_is_no_work_before_its_time_and_a_shorter_pause_ends_no_longer_one(ledger):
    planned(ledger, letter("anna"))
    assert ledger.pause_route("postal", NOON + 2 * MINUTE)
    assert not ledger.pause_route("postal", NOON + MINUTE)
    assert (claimed_names(ledger, now=NOON + MINUTE), ledger.has_work(NOON + MINUTE)) == ([], False)
    assert ledger.next_attempt_at(NOON) == NOON + 2 * MINUTE
    assert ledger.has_work(NOON + 2 * MINUTE)
    assert claimed_names(ledger, now=NOON + 2 * MINUTE) == ["anna"]


def test_a_claim_takes_no_more_marketing_than_it_has_room_for(ledger):
    planned(ledger, *letters(5), letter("order", message_class="transactional"))
    claims = ledger.claim(NOON, "postal", 4, 60, marketing=2).claims
    assert claims[0].address == "order@example.com"
    assert len(claims) == 3
    assert ledger.claim(NOON, "postal", 4, 60, marketing=0).claims == []


def test_of_two_messages_to_one_person_the_second_waits_until_the_provider_takes_it(ledger):
    six = timedelta(seconds=6)
    planned(
        ledger, letter("first", address="+1"), letter("second", address="+1"), letter("other", address="+2")
    )
    picked = ledger.claim(NOON, "postal", 10, 60, pair_seconds=6)
    assert (sorted(claim.address for claim in picked.claims), picked.put_off) == (["+1", "+2"], 1)
    assert ledger.next_retry_at("postal", NOON, NOON + MINUTE) == NOON + six
    attempts = ledger.intent(NOON + six / 2, picked.claims, 15)
    ledger.record(NOON + six / 2, ended(attempts, Outcome.ACCEPTED))
    again = ledger.claim(NOON + six, "postal", 10, 60, pair_seconds=6)
    assert (again.claims, again.put_off) == ([], 1)
    (last,) = ledger.claim(NOON + 1.5 * six, "postal", 10, 60, pair_seconds=6).claims
    assert (last.address, last.attempts) == ("+1", 0)


@pytest.mark.parametrize("told_by", ["answer", "receipt"])
def test_whom_the_provider_called_unreachable_is_not_tried_again_for_a_while(ledger, told_by):
    first = letter("first", address="+1", expires_at=NOON + 48 * HOURS)
    attempts = in_flight(ledger, first)
    if told_by == "answer":
        said = Verdict(Outcome.REJECTED, "unreachable_on_channel")
        ledger.record(NOON, [Recorded(attempt, said) for attempt in attempts])
    else:
        ledger.record(NOON, ended(attempts, Outcome.ACCEPTED))
        no = ProviderEvent(
            "1", "postal", EventKind.FAILED, NOON, first.message_id, reason="unreachable_on_channel"
        )
        ledger.apply_receipts([no], NOON)
    second = letter("second", address="+1", expires_at=NOON + 48 * HOURS)
    third = letter("third", address="+1", due_at=NOON + 30 * HOURS, expires_at=NOON + 48 * HOURS)
    planned(ledger, second, third, letter("other", address="+2"))
    day = 24 * 3600.0
    picked = ledger.claim(NOON + HOURS, "postal", 9, 60, unreachable_seconds=day)
    assert ([claim.address for claim in picked.claims], picked.unreachable) == (["+2"], 1)
    assert (state_of(ledger, second), reason_of(ledger, second)) == (State.REJECTED, "known_unreachable")
    assert [
        c.address for c in ledger.claim(NOON + 30 * HOURS, "postal", 9, 60, unreachable_seconds=day).claims
    ] == ["+1"]


def test_a_route_that_warms_up_counts_its_days_whoever_sends_and_keeps_no_transactional_message(ledger_place):
    ramp, hour = parse("3*2 to 12"), timedelta(hours=1)
    sent = []
    with Ledger(ledger_place) as ledger:
        for number in range(40):
            planned(ledger, letter(f"n{number}", expires_at=NOON + 9 * 24 * hour))
    for at in (NOON, NOON + hour, NOON + 24 * hour, NOON + 72 * hour, NOON + 96 * hour):
        with Ledger(ledger_place) as ledger:
            planned(
                ledger, letter(f"order {at}", message_class="transactional", expires_at=at + hour), now=at
            )
            picked = ledger.claim(at, "postal", 100, 60, warm_up=ramp)
            ledger.record(at, ended(ledger.intent(at, picked.claims, 15), Outcome.ACCEPTED))
            sent.append((len(picked.claims), picked.is_day_full))
    assert sent == [(3, True), (1, True), (6, True), (12, True), (23, False)]


def test_what_is_not_due_yet_or_expired_is_not_claimed(ledger):
    planned(ledger, letter("later", due_at=NOON + MINUTE), letter("late", expires_at=NOON), letter("now"))
    assert claimed_names(ledger) == ["now"]
    assert claimed_names(ledger, now=NOON + MINUTE) == ["later"]


def test_a_claim_takes_only_its_providers_messages(ledger):
    planned(ledger, letter("anna"))
    planned(ledger, letter("bert"), provider="other")
    assert claimed_names(ledger, provider="other") == ["bert"]


@pytest.mark.parametrize(
    ("scope", "message_class", "is_sent"),
    [
        ("all", "marketing", False),
        ("all", "transactional", False),
        ("marketing", "marketing", False),
        ("marketing", "transactional", True),
    ],
)
def test_an_address_suppressed_after_the_plan_is_taken_out_of_the_line(ledger, scope, message_class, is_sent):
    message = letter("anna", message_class=message_class)
    planned(ledger, message, letter("bert"))
    assert ledger.suppress("ANNA@example.com ", scope, "asked us to stop", NOON)
    picked = ledger.claim(NOON, "postal", 10, 60)
    assert (len(picked.claims), picked.suppressed) == ((2, 0) if is_sent else (1, 1))
    if not is_sent:
        assert (state_of(ledger, message), reason_of(ledger, message)) == (
            State.SUPPRESSED,
            "asked us to stop",
        )


def test_a_lifted_suppression_lets_messages_through_again(ledger):
    planned(ledger, letter("anna"))
    ledger.suppress("anna@example.com", "all", "bounced", NOON)
    assert ledger.unsuppress("anna@example.com", "all", "new mailbox", NOON)
    assert not ledger.unsuppress("anna@example.com", "all", "again", NOON)
    assert claimed_names(ledger) == ["anna"]


SWITCHES = {
    "everything": ("all", "", []),
    "its route": ("route", "postal", ["other route"]),
    "its journey": ("journey", "cart_abandoned", ["other journey"]),
    "another journey": ("journey", "welcome", ["anna", "other route"]),
}


@pytest.mark.parametrize("what", SWITCHES)
def test_the_kill_switch_stops(ledger, what):
    scope, name, still_sent = SWITCHES[what]
    planned(ledger, letter("anna"), letter("other journey", journey="welcome"))
    planned(ledger, letter("other route"), provider="other")
    ledger.stop(scope, name, "drill", NOON)
    assert ledger.has_work(NOON) == bool(still_sent)
    assert [*claimed_names(ledger), *claimed_names(ledger, provider="other")] == still_sent
    ledger.start(scope, name, "drill is over", NOON)
    left = 3 - len(still_sent)
    assert len([*claimed_names(ledger), *claimed_names(ledger, provider="other")]) == left


def test_a_blocked_route_keeps_its_messages_until_it_is_free(ledger):
    planned(ledger, letter("anna"))
    assert ledger.block_route("postal", "sms", "credentials_refused", NOON)
    assert not ledger.block_route("postal", "sms", "again", NOON)
    assert (claimed_names(ledger), ledger.has_work(NOON)) == ([], False)
    assert ledger.blocked_routes() == {"postal": "credentials_refused"}
    assert ledger.free_route("postal", "new key", NOON)
    assert (ledger.has_work(NOON), claimed_names(ledger)) == (True, ["anna"])


def test_two_processes_never_claim_the_same_message(ledger_place):
    messages = letters(400)
    with Ledger(ledger_place) as ledger:
        planned(ledger, *messages)

    def claim_all(_):
        with Ledger(ledger_place) as own:  # a connection of its own is what a process is to a ledger
            mine = []
            while claims := own.claim(NOON, "postal", 7, 60).claims:
                mine += [claim.message_id for claim in claims]
            return mine

    with ThreadPoolExecutor(4) as workers:
        taken = [message_id for mine in workers.map(claim_all, range(4)) for message_id in mine]
    assert sorted(taken) == sorted(message.message_id for message in messages)


# Intent and record


def test_the_attempt_row_holds_the_digest_of_the_bytes_that_will_be_sent(ledger):
    message = letter("anna")
    in_flight(ledger, message)
    (row,) = tamper(ledger, "select body_sha256, outcome from attempts").fetchall()
    assert tuple(row) == (sha256(frozen(message).body).hexdigest(), None)


def test_a_claim_with_other_bytes_than_the_planned_ones_is_refused(ledger):
    planned(ledger, letter("anna"))
    (claim,) = ledger.claim(NOON, "postal", 1, 60).claims
    forged = replace(claim, request=replace(claim.request, body=b"something else"))
    with pytest.raises(sqlite3.IntegrityError, match="attempt_sends_the_frozen_bytes"):
        ledger.intent(NOON, [forged], 15)


BEFORE_INTENT = {
    "its lease would end during the call": lambda ledger, message: None,
    "it was cancelled": lambda ledger, message: ledger.cancel(message.message_id, "bought", NOON),
    "its address was suppressed": lambda ledger, message: ledger.suppress(
        message.address, "all", "stop", NOON
    ),
    "its journey was stopped": lambda ledger, message: ledger.stop("journey", message.journey, "drill", NOON),
}


@pytest.mark.parametrize("what", BEFORE_INTENT)
def test_between_claim_and_intent_a_message_is_not_sent_because(ledger, what):
    message = letter("anna")
    planned(ledger, message)
    claims = ledger.claim(NOON, "postal", 1, 60).claims
    BEFORE_INTENT[what](ledger, message)
    lease_is_short = what.startswith("its lease")
    assert ledger.intent(NOON + timedelta(seconds=50 if lease_is_short else 0), claims, 15) == []
    assert ledger.release(NOON, claims, "stopped_before_intent") == (0 if "cancelled" in what else 1)


def test_a_claim_makes_one_attempt_however_often_it_is_intended(ledger):
    planned(ledger, letter("anna"))
    claims = ledger.claim(NOON, "postal", 1, 60).claims
    assert [len(ledger.intent(NOON, claims, 15)) for _ in range(3)] == [1, 0, 0]


def test_a_message_that_may_be_repeated_only_for_so_long_is_not_claimed_after_that(ledger):
    ledger.record(NOON, ended(in_flight(ledger, letter("anna")), Outcome.UNKNOWN))
    (unknown,) = ledger.unknown_due(NOON, "postal", 9)
    again = Settlement(unknown, State.RETRY_WAIT, "repeated", NOON, resend_until=NOON + MINUTE)
    assert ledger.settle(NOON, [again]) == 1
    claims = ledger.claim(NOON, "postal", 9, 60).claims
    assert (len(claims), ledger.release(NOON, claims, "stopped")) == (1, 1)
    assert ledger.claim(NOON + MINUTE, "postal", 9, 60).claims == []
    assert ledger.has_work(NOON + MINUTE)
    assert ledger.sweep(NOON + MINUTE).unknown == 1


def test_an_answer_is_recorded_only_while_the_claim_is_ours(ledger):
    message = letter("anna")
    (attempt,) = in_flight(ledger, message)
    stranger = replace(attempt, claim=replace(attempt.claim, token="not mine"))
    assert ledger.record(NOON, ended([stranger], Outcome.REJECTED)) == 0
    assert state_of(ledger, message) is State.IN_FLIGHT
    assert ledger.record(NOON, ended([attempt], Outcome.ACCEPTED)) == 1
    assert ledger.record(NOON, ended([attempt], Outcome.REJECTED)) == 0
    assert state_of(ledger, message) is State.ACCEPTED


def test_an_answer_that_came_after_the_sweep_still_tells_how_it_ended(ledger):
    message = letter("anna")
    attempts = in_flight(ledger, message)
    assert ledger.sweep(NOON + 2 * MINUTE).unknown == 1
    assert ledger.record(NOON + 3 * MINUTE, ended(attempts, Outcome.ACCEPTED, provider_message_id="L1")) == 1
    assert state_of(ledger, message) is State.ACCEPTED


def test_a_blocked_route_burns_no_attempt_and_a_refusal_suppresses_the_address(ledger):
    blocked, gone = letter("blocked"), letter("gone")
    ledger.record(NOON, ended(in_flight(ledger, blocked), Outcome.ROUTE_BLOCKED))
    assert state_of(ledger, blocked) is State.PLANNED
    assert ledger.claim(NOON, "postal", 1, 60).claims[0].attempts == 0
    ledger.record(NOON, ended(in_flight(ledger, gone), Outcome.SUPPRESSED))
    planned(ledger, letter("gone again", address=gone.address))
    assert ledger.claim(NOON, "postal", 10, 60).suppressed == 1


# Sweep, expiry, cancelling


def test_the_sweep_plans_dead_claims_again_and_calls_dead_calls_unknown(ledger):
    planned(ledger, letter("claimed"))
    ledger.claim(NOON, "postal", 1, 60)
    in_flight(ledger, letter("called"))
    assert not ledger.has_work(NOON + timedelta(seconds=59))
    assert ledger.next_attempt_at(NOON) == NOON + MINUTE
    assert ledger.has_work(NOON + MINUTE)
    swept = ledger.sweep(NOON + MINUTE)
    assert (swept.released, swept.unknown, swept.expired) == (1, 1, 0)
    assert ledger.counts() == {State.PLANNED: 1, State.UNKNOWN: 1}


def test_what_is_too_late_expires_even_where_its_route_is_blocked(ledger):
    message = letter("anna")
    planned(ledger, message)
    ledger.block_route("postal", "sms", "credentials_refused", NOON)
    assert not ledger.has_work(message.expires_at - MINUTE)
    assert ledger.has_work(message.expires_at)
    assert ledger.sweep(message.expires_at).expired == 1
    assert state_of(ledger, message) is State.EXPIRED


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (None, State.CANCELLED),
        (Outcome.RETRY, State.CANCELLED),
        (Outcome.UNKNOWN, State.HELD),
        (Outcome.ACCEPTED, None),
    ],
)
def test_cancelling_stops_what_was_not_sent_and_holds_what_may_have_been(ledger, outcome, state):
    message = letter("anna")
    if outcome is None:
        planned(ledger, message)
    else:
        ledger.record(NOON, ended(in_flight(ledger, message), outcome))
    assert ledger.cancel(message.message_id, "bought", NOON) is state
    assert ledger.cancel("no such message", "bought", NOON) is None


def test_a_person_decides_what_becomes_of_a_held_message(ledger):
    again, dropped = letter("again"), letter("dropped")
    for message in (again, dropped):
        ledger.record(NOON, ended(in_flight(ledger, message), Outcome.UNKNOWN))
        ledger.cancel(message.message_id, "bought", NOON)
    assert ledger.decide_held(again.message_id, is_sent_again=True, reason="asked them", now=NOON)
    assert ledger.decide_held(dropped.message_id, is_sent_again=False, reason="asked them", now=NOON)
    assert not ledger.decide_held(dropped.message_id, is_sent_again=False, reason="once more", now=NOON)
    assert claimed_names(ledger) == ["again"]
    fallback = letter("dropped by sms", candidate_id=dropped.candidate_id)  # it may have arrived
    assert ledger.plan([(fallback, "postal", frozen(fallback))], NOON) == Planned(candidate_taken=1)


# The file


@pytest.mark.parametrize("is_server", [False, True], ids=["sqlite", "postgresql"])
def test_many_processes_may_open_a_new_ledger_at_once(tmp_path, database_server, is_server):
    place = database_server.empty() if is_server else tmp_path / "deep" / "ledger.db"

    def open_and_count(_):
        with Ledger(place) as ledger:
            return tamper(ledger, "select count(*) from allowed_moves").fetchone()[0]

    with ThreadPoolExecutor(8) as workers:
        assert len(set(workers.map(open_and_count, range(8)))) == 1


def test_a_ledger_of_another_version_or_a_file_that_is_none_is_refused_by_name(tmp_path: Path):
    with Ledger(tmp_path / "newer.db") as ledger:
        ledger._connection.execute("pragma user_version = 99")
    with pytest.raises(LedgerError, match=r"newer\.db has schema version 99"):
        Ledger(tmp_path / "newer.db")
    (tmp_path / "text.db").write_text("this is not a database, and it is long enough to be none\n" * 100)
    with pytest.raises(LedgerError, match=r"text\.db cannot be opened"):
        Ledger(tmp_path / "text.db")


def test_a_commit_to_a_file_is_on_the_disk(file_ledger):
    settings = {
        name: file_ledger._connection.execute(f"pragma {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous")
    }
    assert settings == {"journal_mode": "wal", "synchronous": 2}


@pytest.mark.parametrize("is_unknown", [False, True], ids=["planned", "outcome unknown"])
def test_what_waits_for_a_provider_that_no_route_uses_is_no_work_until_it_expires(ledger, is_unknown):
    message = letter("anna")
    if is_unknown:
        ledger.record(NOON, ended(in_flight(ledger, message), Outcome.UNKNOWN))
    else:
        planned(ledger, message)
    assert ledger.has_work(NOON)
    assert ledger.has_work(NOON, ["other", "postal"])
    assert not ledger.has_work(NOON, ["other"])
    assert not ledger.has_work(NOON, [])
    assert ledger.has_work(message.expires_at, ["other"]) == (not is_unknown)
    assert [row["backlog"] for row in ledger.routes()] == [1]


HOURS = timedelta(hours=1)


@pytest.mark.parametrize("message_class", ["marketing", "transactional"])
def test_what_a_person_refused_is_not_sent_although_a_running_tick_plans_it_afterwards(ledger, message_class):
    ledger.refuse("ann", "sms", message_class, "preference_page", NOON)
    same = {"user_id": "ann", "channel": "sms", "message_class": message_class}
    other_class = "transactional" if message_class == "marketing" else "marketing"
    planned(ledger, letter("refused", **same), now=NOON + MINUTE)
    planned(
        ledger,
        letter("other class", **{**same, "message_class": other_class}),
        letter("other channel", **{**same, "channel": "rcs"}),
        letter("other person", **{**same, "user_id": "ben"}),
    )
    names = {"other class", "other channel", "other person"}
    picked = ledger.claim(NOON + MINUTE, "postal", 10, 60)
    assert {claim.message_id for claim in picked.claims} == {letter(name).message_id for name in names}
    assert (picked.suppressed, reason_of(ledger, letter("refused"))) == (1, "preference_page")


def test_a_refusal_between_claim_and_call_stops_the_call(ledger):
    message = letter("anna")
    planned(ledger, message)
    claims = ledger.claim(NOON, "postal", 1, 60).claims
    ledger.refuse(message.user_id, message.channel, "marketing", "one_click_unsubscribe", NOON)
    assert ledger.intent(NOON, claims, 15) == []


@pytest.mark.parametrize(
    ("said_yes_since", "planned_at"), [(True, NOON + MINUTE), (False, NOON + 25 * HOURS)]
)
def test_a_refusal_ends_with_a_yes_and_leaves_later_decisions_to_the_consents(
    ledger, said_yes_since, planned_at
):
    ledger.refuse("ann", "sms", "marketing", "preference_page", NOON)
    if said_yes_since:
        assert ledger.lift_refusal("ann", "sms", "marketing", "preference_page", NOON)
    message = letter("a", user_id="ann", due_at=planned_at, expires_at=planned_at + HOURS)
    planned(ledger, message, now=planned_at)
    assert len(ledger.claim(planned_at, "postal", 1, 60).claims) == 1


def test_a_ledger_of_the_version_before_gains_what_it_lacks(tmp_path):
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        planned(ledger, letter("anna"))
        ledger._connection.executescript("drop table refusals; pragma user_version = 1")
    with Ledger(path) as ledger:
        assert len(ledger.claim(NOON, "postal", 1, 60).claims) == 1


def test_a_claim_that_is_gone_when_its_intent_comes_is_no_call(ledger):
    message = letter("anna")
    planned(ledger, message)
    claims = ledger.claim(NOON, "postal", 1, 60).claims
    ledger.release(NOON, claims, "somebody_else")
    with pytest.raises(LedgerError, match="claim was lost"):
        ledger.intent(NOON, claims, 15, are_new=True)
    assert ledger.run("attempts_of_message", {"message_no": claims[0].message_no}).fetchall() == []
    assert state_of(ledger, message) is State.PLANNED
