"""What a person turns by hand, on the command line: routes, the kill switch, held messages."""

import json
import os
from datetime import UTC, datetime, timedelta

import pytest
from letters import ended, in_flight, letter, planned, state_of
from typer.testing import CliRunner

from dagster_project import doctor
from dagster_project.cli import app
from senders import settings as environment
from senders.contract import Outcome, State, Verdict
from senders.ledger import Ledger
from senders.pace import Pace

NOW = datetime.now(UTC)
TIMES = {"due_at": NOW - timedelta(minutes=5), "expires_at": NOW + timedelta(hours=6)}


@pytest.fixture
def settings(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("DOVECOTE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DOVECOTE_HOME", str(tmp_path))
    monkeypatch.setenv("DOVECOTE_ROUTES", "sms=twilio_sms")
    return environment.load()


@pytest.fixture
def ledger(settings):
    with Ledger(settings.ledger) as opened:
        yield opened


def dovecote(*arguments):
    return CliRunner().invoke(app, arguments)


def wrong(settings):
    return [finding.says for finding in doctor.PARTS["delivery"](settings) if finding.is_wrong]


def test_a_blocked_route_is_listed_called_wrong_and_freed(settings, ledger):
    planned(ledger, letter("anna", **TIMES), provider="twilio_sms", now=NOW)
    assert wrong(settings) == []
    ledger.block_route("twilio_sms", "sms", "credentials_refused", NOW)
    (row,) = json.loads(dovecote("routes", "--json").stdout)
    assert (row["provider"], row["state"], row["reason"], row["backlog"]) == (
        "twilio_sms", "blocked", "credentials_refused", 1,
    )  # fmt: skip
    assert f"{NOW:%H:%M:%S} UTC (credentials_refused); 1 message(s) wait" in dovecote("routes").stdout
    (says,) = wrong(settings)
    assert "`dovecote routes --free twilio_sms`" in says
    done = dovecote("routes", "--free", "twilio_sms", "--json")
    assert (done.exit_code, json.loads(done.stdout)[0]["state"]) == (0, "free")
    assert (ledger.blocked_routes(), wrong(settings)) == ({}, [])
    assert ledger.has_work(NOW, settings.routes.values())


def test_a_route_that_is_left_alone_for_a_while_is_listed_with_its_reason_and_goes_on_when_freed(
    settings, ledger
):
    planned(ledger, letter("anna", **TIMES), provider="twilio_sms", now=NOW)
    now, pace = datetime.now(UTC), Pace(first_break_seconds=240, longest_break_seconds=240)
    ledger.pause_route("twilio_sms", now + timedelta(hours=1))
    assert "is paused (its provider asked for it until " in dovecote("routes").stdout
    failed = [Verdict(Outcome.RETRY, "connection_failed")] * 8
    ledger.heed_outcomes(now, "twilio_sms", failed, 8, pace)
    said = dovecote("routes").stdout
    assert "twilio_sms (sms) is paused (8 failures in a row since " in said
    assert "the last: connection_failed; next try at " in said
    assert wrong(settings) == []
    assert dovecote("routes", "--free", "twilio_sms").exit_code == 0
    assert len(ledger.claim(datetime.now(UTC), "twilio_sms", 9, 60).claims) == 1


def test_a_route_that_is_not_blocked_cannot_be_freed(settings):
    done = dovecote("routes", "--free", "twilio_sms")
    assert (done.exit_code, "twilio_sms is not blocked" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("which", "switch"),
    [
        (["--all"], ("all", "", "drill")),
        (["--route", "twilio_sms"], ("route", "twilio_sms", "drill")),
        (["--journey", "cart_abandoned"], ("journey", "cart_abandoned", "drill")),
    ],
)
def test_what_is_stopped_is_called_wrong_with_the_command_that_starts_it(settings, ledger, which, switch):
    assert dovecote("stop", *which, "--reason", "drill").exit_code == 0
    assert ledger.stopped_switches() == [switch]
    (says,) = wrong(settings)
    assert f"dovecote start {' '.join(which)}" in says
    assert dovecote("start", *which, "--reason", "over").exit_code == 0
    assert (ledger.stopped_switches(), wrong(settings)) == ([], [])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["stop", "--journey", "cart_abandonned"], "There is no journey cart_abandonned"),
        (["stop", "--route", "twilio"], "There is no route twilio"),
        (["stop"], "Name one of"),
        (["stop", "--all", "--route", "twilio_sms"], "Name one of"),
        (["start", "--all"], "everything is not stopped"),
    ],
)
def test_a_switch_that_would_do_nothing_is_refused(settings, ledger, arguments, says):
    done = dovecote(*arguments, "--reason", "drill")
    assert (done.exit_code, says in done.stderr) == (1, True)
    assert ledger.stopped_switches() == []


@pytest.mark.parametrize(("option", "state"), [("--send", State.RETRY_WAIT), ("--drop", State.CANCELLED)])
def test_a_held_message_is_listed_and_decided_about(settings, ledger, option, state):
    message = letter("anna", **TIMES)
    ledger.record(NOW, ended(in_flight(ledger, message, now=NOW), Outcome.UNKNOWN))
    assert ledger.cancel(message.message_id, "exited", NOW) is State.HELD
    assert [row["message_id"] for row in json.loads(dovecote("held", "--json").stdout)] == [
        message.message_id
    ]
    assert dovecote("held", option, message.message_id).exit_code == 0
    assert state_of(ledger, message) is state
    assert "Nothing is held" in dovecote("held").stdout
    assert dovecote("held", option, message.message_id).exit_code == 1


def test_messages_for_a_provider_that_no_route_uses_are_called_wrong(settings, ledger):
    planned(ledger, letter("anna", **TIMES), provider="old_sms", now=NOW)
    (says,) = wrong(settings)
    assert says.startswith("1 message(s) wait for old_sms")
