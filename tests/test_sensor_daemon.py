"""The real daemon: what landed goes out, and a killed worker holds up nothing."""

import os
import signal
import subprocess
import sys
import time

import pytest
from small_town import event, profile, town

from dagster_project import lock, state
from senders.settings import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DAEMON = [sys.executable, "-m", "dagster._daemon", "run", "-w", str(REPOSITORY / "workspace.yaml")]


@pytest.fixture
def place(tmp_path, monkeypatch):
    with town(tmp_path, 8450, **{"unreachable-share": 0}) as place:
        monkeypatch.setenv("DOVECOTE_TICK_SECONDS", "5")
        yield place


@pytest.fixture
def daemon(place):
    with (place.settings.home / "logs" / "daemon.log").open("wb") as log:
        process = subprocess.Popen(DAEMON, stdout=log, stderr=log, start_new_session=True)
    yield process
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_for(is_true, seconds=150):
    ends_at = time.monotonic() + seconds
    while not (found := is_true()):
        assert time.monotonic() < ends_at, "it did not happen in time"
        time.sleep(0.2)
    return found


def worker_of(home):
    """The process of the tick that runs now, as the lock's file names it."""
    if not lock.is_held(home):
        return None
    held_by = lock.path_of(home).read_text()
    return int(held_by.split()[-1]) if held_by.startswith("tick ") else None


def test_the_next_look_repeats_a_tick_whose_worker_was_killed(place, daemon):
    home = place.settings.home
    place.land("profiles", "people", [profile("ann")])
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    place.land("events", "ann", [event("ann", "order_completed", at, order_id="o1", total=49.0)])
    os.kill(wait_for(lambda: worker_of(home)), signal.SIGKILL)
    killed_at = time.monotonic()
    wait_for(lambda: [tick for tick in state.ticks(home) if tick["failure"] is None])
    assert time.monotonic() - killed_at < 90
    assert len(place.accepted()) == 1
    wait_for(lambda: len(state.ticks(home)) > 1)  # the tick that fetches the receipts
    assert len(place.accepted()) == 1
