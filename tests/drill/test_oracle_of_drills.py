"""A judge that notices nothing proves nothing: each kind of breach, made on purpose."""

import sqlite3
from datetime import timedelta
from hashlib import sha256

import pytest
from letters import NOON, ended, frozen, in_flight, letter, planned, tamper

from dagster_project.drill.oracle import Findings, Stop, weigh
from senders.contract import EventKind, Outcome, ProviderEvent, State, Verdict
from senders.revocations import Asked
from senders.store import listed, query, to_text

ANNA, BERT = letter("anna"), letter("bert")


def taken(message, **changes):
    """The provider's journal row of a message."""
    row = {
        "message_id": message.message_id,
        "recipient": message.address,
        "body_sha256": sha256(frozen(message).body).hexdigest(),
    }
    return row | changes


def sent(ledger, *messages, outcome=Outcome.ACCEPTED):
    attempts = in_flight(ledger, *messages)
    ledger.record(NOON, ended(attempts, outcome))


def found(findings: Findings) -> list[str]:
    """The kinds of breach."""
    return [kind for kind, reasons in findings.wrong().items() if reasons]


def test_a_message_that_both_sides_know_is_no_finding(ledger):
    sent(ledger, ANNA)
    assert weigh(ledger, [taken(ANNA)], [ANNA.message_id]).is_clean


def test_an_outcome_that_the_ledger_calls_unknown_is_held_and_no_finding(ledger):
    sent(ledger, ANNA, outcome=Outcome.UNKNOWN)
    ledger.cancel(ANNA.message_id, "bought", NOON)
    for provider_has in ([taken(ANNA)], []):
        findings = weigh(ledger, provider_has, [ANNA.message_id])
        assert (findings.is_clean, findings.held) == (True, 1)


def past_the_program(ledger, *statements):
    """What no program of ours would write: the ledger's own rules are taken away first."""
    for (name,) in tamper(ledger, "select name from sqlite_master where type = 'trigger'").fetchall():
        if name not in ("journal_move", "journal_planned"):
            tamper(ledger, f"drop trigger {name}")
    tamper(ledger, "pragma ignore_check_constraints = on")
    for statement in statements:
        tamper(ledger, statement)


def fallback_beside(ledger):
    """Two messages of one candidate, both believed."""
    sent(ledger, ANNA, BERT)
    past_the_program(ledger, f"update messages set holds_candidate = 0, candidate_id = '{ANNA.candidate_id}'")
    return [taken(ANNA), taken(BERT)]


def without_its_calls(ledger):
    sent(ledger, ANNA)
    past_the_program(ledger, "delete from attempts")
    return [taken(ANNA)]


def called_when(ledger, moment):
    """A call put on record at a moment of our choice."""
    planned(ledger, ANNA)
    past_the_program(ledger, f"update messages set state = 'in_flight', state_at = '{to_text(moment)}'")
    return []


def read_and_then_only_sent(ledger):
    sent(ledger, ANNA)
    past_the_program(ledger, "update messages set state = 'read'", "update messages set state = 'sent'")
    return [taken(ANNA)]


def moved_without_a_word(ledger):
    sent(ledger, ANNA)
    past_the_program(ledger, "drop trigger journal_move", "update messages set state = 'delivered'")
    return [taken(ANNA)]


def with_a_gap_in_its_history(ledger):
    sent(ledger, ANNA)
    past_the_program(ledger, "delete from journal where to_state = 'claimed'")
    return [taken(ANNA)]


def suppressed_first(ledger):
    planned(ledger, ANNA)
    ledger.suppress(ANNA.address, "marketing", "stop", NOON)
    return [taken(ANNA)]


BREACHES = [
    ("lost", lambda ledger: sent(ledger, ANNA) or [], "believed, and never taken"),
    ("lost", lambda ledger: [], "acknowledged, and not in the ledger"),
    ("lost", lambda ledger: planned(ledger, ANNA) or [], "left in line for ever"),
    ("lost", lambda ledger: sent(ledger, ANNA, outcome=Outcome.REJECTED) or [], "ended as nobody meant"),
    ("duplicated", lambda ledger: sent(ledger, ANNA) or [taken(ANNA)] * 2, "taken twice"),
    ("unexpected", lambda ledger: sent(ledger, ANNA) or [taken(ANNA), taken(BERT)], "unknown here"),
    ("unexpected", lambda ledger: planned(ledger, ANNA) or [taken(ANNA)], "sent without a call on record"),
    (
        "unexpected",
        lambda ledger: sent(ledger, ANNA, outcome=Outcome.RETRY) or [taken(ANNA)],
        "called not sent, and taken",
    ),
    ("altered", lambda ledger: sent(ledger, ANNA) or [taken(ANNA, body_sha256="other")], "other bytes"),
    ("altered", lambda ledger: sent(ledger, ANNA) or [taken(ANNA, recipient="else@where.com")], "elsewhere"),
    ("duplicated", fallback_beside, "two messages of one candidate"),
    ("unexpected", without_its_calls, "taken more often than it was called"),
    ("unexpected", read_and_then_only_sent, "a receipt that moved it back"),
    ("unexpected", moved_without_a_word, "moved, and not in the journal"),
    ("unexpected", with_a_gap_in_its_history, "a move that begins where none ended"),
    ("out_of_policy", suppressed_first, "taken though suppressed"),
    ("out_of_policy", lambda ledger: called_when(ledger, ANNA.expires_at), "called when it expired"),
    (
        "out_of_policy",
        lambda ledger: called_when(ledger, ANNA.expires_at + timedelta(days=1)),
        "called a day after it expired",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "break_it", "_"), BREACHES, ids=[breach[2] for breach in BREACHES])
def test_the_oracle_notices(ledger, kind, break_it, _):
    accepted = break_it(ledger)
    assert kind in found(weigh(ledger, accepted, [ANNA.message_id]))


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.REJECTED])
def test_what_its_provider_took_back_may_be_cancelled_and_nothing_else_that_was_sent(ledger, outcome):
    sent(ledger, ANNA)
    ledger.ask_back_many([(ANNA.message_id, "exited")], ["postal"], NOON)
    (due,) = ledger.revocations_due(NOON, "postal", 1, timedelta(minutes=1))
    ledger.record_revocations(NOON, [Asked(due, Verdict(outcome, "said so"))])
    ends = {ANNA.message_id: [State.CANCELLED]}
    assert weigh(ledger, [taken(ANNA)], [ANNA.message_id], ends).is_clean
    past_the_program(ledger, "update messages set state = 'cancelled'")
    expected = [] if outcome is Outcome.ACCEPTED else ["unexpected"]
    assert found(weigh(ledger, [taken(ANNA)], [ANNA.message_id], ends)) == expected


@pytest.mark.parametrize(
    ("scope", "name"), [("all", ""), ("route", "postal"), ("journey", "cart_abandoned"), ("route", "other")]
)
def test_the_oracle_notices_a_call_that_the_kill_switch_forbade(ledger, scope, name):
    planned(ledger, ANNA)
    before = ledger.last_seq()
    sent(ledger, ANNA)
    expected = [] if name == "other" else ["out_of_policy"]
    assert found(weigh(ledger, [taken(ANNA)], [], stops=[Stop(scope, name, before)])) == expected
    assert weigh(ledger, [taken(ANNA)], [], stops=[Stop(scope, name, 0, before)]).is_clean


def test_the_oracle_notices_a_call_to_an_address_that_was_suppressed_before_it(ledger, tmp_path):
    """The ledger's own claim would never make it, so one is opened past the claim."""
    planned(ledger, ANNA)
    (claim,) = ledger.claim(NOON, "postal", 1, 60).claims
    ledger.suppress(ANNA.address, "all", "stop", NOON)
    values = {"message_no": claim.message_no, "token": claim.token, "now": "2022-11-05T12:00:00.000000"}
    with sqlite3.connect(tmp_path / "ledger.db") as behind_its_back:
        behind_its_back.execute(
            "insert into attempts (message_no, claim_token, body_sha256, started_at) "
            "select message_no, :token, body_sha256, :now from requests where message_no = :message_no",
            values,
        )
        behind_its_back.execute(query("put_in_flight"), {**values, "message_nos": listed([claim.message_no])})
    assert "out_of_policy" in found(weigh(ledger, [], [ANNA.message_id]))


@pytest.mark.parametrize(
    ("scope", "message_class", "is_forbidden"),
    [
        ("all", "transactional", True),
        ("all", "marketing", True),
        ("marketing", "marketing", True),
        ("marketing", "transactional", False),
    ],
)
def test_what_a_suppression_forbids_depends_on_the_message(ledger, scope, message_class, is_forbidden):
    message = letter("anna", message_class=message_class)
    planned(ledger, message)
    ledger.suppress(message.address, scope, "stop", NOON)
    past_the_program(ledger, "update messages set state = 'in_flight'")
    assert ("out_of_policy" in found(weigh(ledger, [], []))) is is_forbidden


def test_a_call_after_the_suppression_was_lifted_is_allowed(ledger):
    ledger.suppress(ANNA.address, "all", "stop", NOON)
    ledger.unsuppress(ANNA.address, "all", "came back", NOON)
    sent(ledger, ANNA)
    assert weigh(ledger, [taken(ANNA)], [ANNA.message_id]).is_clean


def test_a_copy_is_excused_only_where_nobody_could_tell_and_the_journey_asked_for_it(ledger):
    wanted = letter("anna", on_unknown="resend")
    sent(ledger, wanted)
    assert "duplicated" in found(weigh(ledger, [taken(wanted)] * 2, []))


def test_a_fallback_after_a_late_failure_is_no_duplicate(ledger):
    sent(ledger, ANNA)
    failed = ProviderEvent("1", "postal", EventKind.FAILED, NOON, message_id=ANNA.message_id)
    ledger.apply_receipts([failed], NOON)
    fallback = letter("by mail", candidate_id=ANNA.candidate_id)
    sent(ledger, fallback)
    assert weigh(ledger, [taken(ANNA), taken(fallback)], []).is_clean


@pytest.mark.parametrize("has_forgotten", [False, True])
def test_only_a_restored_ledger_may_lack_the_bytes_of_what_it_sent(ledger, has_forgotten):
    sent(ledger, ANNA)
    past_the_program(ledger, "pragma foreign_keys = off", "delete from requests")
    findings = weigh(ledger, [taken(ANNA)], [], has_forgotten=has_forgotten)
    assert bool(findings.altered) is not has_forgotten
