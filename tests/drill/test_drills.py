"""The public drill: a few of each sort here, the whole by `make drill`."""

import json
import os
import subprocess
import sys

import pytest

from dagster_project.drill.breaking import POINTS, kill_at
from senders.settings import REPOSITORY

ZEROS = {"lost": 0, "duplicated": 0, "unexpected": 0, "altered": 0, "out_of_policy": 0}


def drill(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "dagster_project.cli", "drill", *arguments],
        cwd=REPOSITORY, env=dict(os.environ), capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_the_short_drill_loses_and_doubles_nothing_and_says_so_in_one_line():
    done = drill("--short")
    summary = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert {name: summary[name] for name in ZEROS} == ZEROS
    assert set(summary) == {*ZEROS, "drills", "seeds", "held"}
    assert summary["drills"] == done.stderr.count("ok     [")


def test_a_drill_that_chose_nothing_has_proven_nothing():
    done = drill("--only", "no such drill")
    assert (done.returncode, json.loads(done.stdout)["drills"]) == (1, 0)


def test_a_point_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(ValueError, match=r"there are plan\.before"):
        kill_at("sent.before", 1)
    assert len(set(POINTS)) == len(POINTS)
