"""`dovecote work`: several senders on one ledger, held against the sandbox's own journal."""

import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from provider_samples import message
from sandbox_server import running_sandbox, wait_until

from senders.contract import State
from senders.delivery import plan
from senders.ledger import Ledger

DOVECOTE = Path(sys.executable).with_name("dovecote")
PER_SECOND = 200.0
ELSEWHERE = {name: value for name, value in os.environ.items() if not name.startswith("DOVECOTE_")}


@pytest.fixture
def sandbox(tmp_path):
    with running_sandbox(tmp_path / "sandbox") as running:
        yield running


def backlog(count):
    now = datetime.now(UTC)
    times = {"due_at": now - timedelta(minutes=1), "expires_at": now + timedelta(hours=1)}
    return [
        replace(
            message("email"), message_id=f"m{n}", candidate_id=f"c{n}", address=f"p{n}@example.com", **times
        )
        for n in range(count)
    ]


def worker(place, sandbox, *options):
    environment = {
        **ELSEWHERE,
        **sandbox.environment,
        "DOVECOTE_LEDGER": place.url,
        "DOVECOTE_ROUTES": "email=sendgrid",
        "DOVECOTE_SENDGRID_MESSAGES_PER_SECOND": str(PER_SECOND),
    }
    return subprocess.Popen(
        [DOVECOTE, "work", *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_workers_send_one_backlog_once_and_a_killed_one_loses_and_doubles_nothing(
    database_server, sandbox
):
    place = database_server.fresh()
    with Ledger(place) as ledger:
        plan(ledger, {"email": sandbox.provider("sendgrid")}, backlog(800), datetime.now(UTC))
        dying, living = worker(place, sandbox), worker(place, sandbox)
        wait_until(lambda: ledger.counts().get(State.ACCEPTED, 0) > 200)
        dying.send_signal(signal.SIGKILL)
        dying.communicate()
        wait_until(lambda: State.PLANNED not in ledger.counts())
        living.send_signal(signal.SIGTERM)
        said, complaints = living.communicate(timeout=60)
        assert (living.returncode, complaints) == (0, "")
        assert '"attempted"' in said
        taken = Counter(entry["message_id"] for entry in sandbox.journal())
        states = ledger.counts()
    assert max(taken.values()) == 1
    open_ones = states.get(State.IN_FLIGHT, 0) + states.get(State.CLAIMED, 0)
    assert len(taken) >= 800 - open_ones
    assert sum(states.values()) == 800
    assert states[State.ACCEPTED] == 800 - open_ones <= len(taken)


def test_a_ledger_in_a_file_has_no_other_sender_than_its_ticks(tmp_path):
    environment = {**ELSEWHERE, "DOVECOTE_HOME": str(tmp_path)}
    done = subprocess.run([DOVECOTE, "work", "--once"], capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert "set DOVECOTE_LEDGER=postgresql://" in done.stderr
