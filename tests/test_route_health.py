"""What the Dagster UI says of each route after a tick, and which checks turn red."""

from datetime import timedelta

import dagster as dg
import pytest
from letters import NOON, ended, in_flight, letter, letters, planned

from dagster_project import route_health
from dagster_project.route_health import FREE, GOING, UNDERSTOOD, UNHELD
from senders.contract import Outcome, Verdict
from senders.entries import Recorded
from senders.ledger import Ledger
from senders.pace import Pace
from senders.settings import load

SETTINGS = load({"DOVECOTE_TICK_SECONDS": "60"})
LATER = NOON + timedelta(minutes=2)


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.db") as opened:
        yield opened


def red(ledger, now=NOON, since_seq=0):
    health = route_health.look(ledger, since_seq, now)
    return {each.check_name: each for each in route_health.verdicts(health, SETTINGS) if not each.passed}


def answered(ledger, name, reason):
    (attempt,) = in_flight(ledger, letter(name))
    ledger.record(
        NOON, [Recorded(attempt, Verdict(Outcome.UNKNOWN, reason, raw="<p>what is this</p>"), NOON)]
    )


def test_a_house_in_order_is_green(ledger):
    ledger.record(NOON, ended(in_flight(ledger, *letters(2)), Outcome.ACCEPTED))
    planned(ledger, letter("new", due_at=NOON - timedelta(seconds=30)))
    assert red(ledger) == {}


def test_a_blocked_route_is_red_and_what_waits_behind_it_is_no_second_alarm(ledger):
    planned(ledger, letter("anna"))
    ledger.block_route("postal", "sms", "credentials_refused", NOON)
    assert set(red(ledger)) == {FREE}


def test_what_should_have_gone_three_ticks_ago_is_red(ledger):
    planned(ledger, letter("anna", due_at=NOON - timedelta(seconds=90)))
    assert red(ledger) == {}
    found = red(ledger, LATER)
    assert set(found) == {GOING}
    assert found[GOING].metadata["1"].value == "postal: 0:03:30"
    ledger.stop("route", "postal", "wrong price", NOON)
    assert red(ledger, LATER) == {}  # somebody knows


def test_a_route_that_is_left_alone_after_failures_says_so_and_its_backlog_is_red_with_the_reason(ledger):
    planned(ledger, letter("anna", due_at=NOON - timedelta(minutes=4)))
    failed = [Verdict(Outcome.UNKNOWN, "connection_lost")] * 8
    ledger.heed_outcomes(NOON, "postal", failed, 8, Pace(first_break_seconds=30))
    why = "8 failures in a row since 2022-11-05T12:00:00 UTC, the last: connection_lost; "
    said = route_health.metadata(route_health.look(ledger, 0, NOON))["routes"].value
    assert f"| postal | sms | paused | {why}next try at 2022-11-05T12:00:30 UTC | 1 |" in said
    assert set(red(ledger)) == {GOING}  # no configuration of ours is wrong
    assert why in red(ledger)[GOING].metadata["1"].value
    said = route_health.metadata(route_health.look(ledger, 0, LATER))["routes"].value
    assert f"| paused | {why}the next message goes to see |" in said


@pytest.mark.parametrize("reason", ["unclear_answer", "answer_not_understood: KeyError"])
def test_an_answer_that_no_table_knows_is_red_and_kept_whole(ledger, reason):
    answered(ledger, "anna", reason)
    assert set(red(ledger)) == {UNDERSTOOD}
    assert letter("anna").message_id in red(ledger)[UNDERSTOOD].metadata["1"].value
    raw = ledger.run("attempts_of_message", {"message_no": 1}).fetchone()["raw"]
    assert raw == "<p>what is this</p>"
    assert red(ledger, since_seq=ledger.last_seq()) == {}  # told once


def test_a_broken_connection_is_no_answer_to_understand(ledger):
    answered(ledger, "anna", "connection_lost")
    assert red(ledger) == {}


def test_what_a_person_must_decide_is_a_warning(ledger):
    answered(ledger, "anna", "connection_lost")
    ledger.cancel(letter("anna").message_id, "exited", NOON)
    assert red(ledger)[UNHELD].severity is dg.AssetCheckSeverity.WARN


def test_the_tables_say_where_each_route_stands(ledger):
    planned(ledger, *letters(3))
    answered(ledger, "anna", "server_error")
    said = route_health.metadata(route_health.look(ledger, 0, NOON))
    assert "| postal | sms | free |  | 4 | 0:05:00 |" in said["routes"].value
    assert "| postal | unknown | server_error | 1 |" in said["errors"].value
    assert (said["backlog/postal"], said["held"]) == (4, 0)
