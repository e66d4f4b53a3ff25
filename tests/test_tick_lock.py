"""Ticks never overlap, and nobody who died stands in the way."""

import os
import signal
import subprocess
import sys
import time

import pytest

from dagster_project import lock

HOLD = """
import sys, time
from pathlib import Path
from dagster_project import lock
with lock.held(Path(sys.argv[1]), "a tick"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_process_is_told_who_holds_the_lock(tmp_path, holder):
    with (
        pytest.raises(lock.LockedError, match=f"held by a tick, process {holder.pid}"),
        lock.held(tmp_path, "another"),
    ):
        pass
    assert lock.is_held(tmp_path)


def test_a_killed_process_lets_go_of_the_lock(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with lock.held(tmp_path, "the next"):
        assert lock.is_held(tmp_path)
    assert not lock.is_held(tmp_path)


def test_who_waits_gets_the_lock_when_it_is_free(tmp_path, holder):
    waiter = subprocess.Popen(
        [sys.executable, "-c", HOLD.replace('"a tick"', '"a tick", 30'), str(tmp_path)],
        stdout=subprocess.PIPE,
    )
    time.sleep(1)
    assert waiter.poll() is None
    holder.kill()
    assert waiter.stdout.readline() == b"held\n"
    waiter.kill()
    waiter.wait()


def test_nobody_holds_a_lock_that_was_never_taken(tmp_path):
    assert not lock.is_held(tmp_path / "nowhere")
