"""An ingest that is killed loses nothing and doubles nothing, wherever it was."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from landed import event

HERE = str(Path(__file__).parent)

INGEST = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from landed import House
from receivers import intake, taking

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def die_after_three(*args):
    move(*args)
    moved.append(args)
    len(moved) == 3 and die()

move, moved = intake.move_to_archive, []
{death}
print("ready", flush=True)
House(Path(sys.argv[1])).ingest()
"""

DEATHS = {
    "before anything is written": "taking.judge = die",
    "in the middle of the transaction": "taking.account_of = die",
    "between the commit and the first move": "intake.move_to_archive = die",
    "between two moves": "intake.move_to_archive = die_after_three",
}


def start(house, death="pass"):
    command = [sys.executable, "-c", INGEST.format(death=death), str(house.settings.home), HERE]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def land_five_files(house):
    for number in range(5):
        rows = [event(f"e{number}-{row}") for row in range(20)]
        house.put(f"events/{number}.jsonl", *rows, event("in every file"), event(None))


def assert_all_is_there_once(house):
    assert house.one("select count(*), count(distinct event_id) from raw.events") == (101, 101)
    assert house.one("select count(*), sum(rows_taken), sum(rows_duplicate) from raw.manifest") == (5, 101, 4)
    assert len(house.quarantine) == 5
    assert house.waiting() == []
    assert len(house.archived()) == 5


@pytest.mark.parametrize("moment", DEATHS)
def test_a_killed_ingest_loses_nothing_and_doubles_nothing(house, moment):
    land_five_files(house)
    process = start(house, DEATHS[moment])
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    is_committed = "move" in moment
    assert bool(house.settings.warehouse.exists() and committed_events(house)) == is_committed
    summary = house.ingest()
    assert summary.total.files_taken == (0 if is_committed else 5)
    assert_all_is_there_once(house)


def committed_events(house):
    """How many events a later process finds; it replays the log that the killed one left."""
    from receivers.warehouse import open_warehouse, scalar

    connection = open_warehouse(house.settings)
    try:
        return scalar(connection, "select count(*) from raw.events")
    finally:
        connection.close()


@pytest.mark.slow
def test_killed_at_any_moment_again_and_again_it_comes_to_the_same(house):
    dice = random.Random(7)
    land_five_files(house)
    for number in range(8):
        process = start(house)
        assert process.stdout.readline() == b"ready\n"
        time.sleep(dice.uniform(0, 0.3))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        house.put(f"events/more-{number}.jsonl", event("in every file"), event(f"more-{number}"))
    house.ingest()
    events = house.column("select event_id from raw.events")
    assert len(events) == len(set(events)) == 109
    assert house.one("select count(*), sum(rows_taken), sum(rows_duplicate) from raw.manifest") == (
        13,
        109,
        12,
    )
    assert house.waiting() == []
