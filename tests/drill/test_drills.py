"""The public drill: a few of each sort here, the whole by `make drill`."""

import json
import os
import subprocess
import sys
from contextlib import nullcontext

import pytest

from dagster_project.drill import command
from dagster_project.drill.breaking import POINTS, kill_at
from dagster_project.drill.oracle import Findings
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


def test_a_drill_that_breaks_down_has_proven_nothing_and_counts_as_a_loss(monkeypatch, capsys):
    def breaks_down(rig):
        rig.bench("breaks down").tick()
        raise RuntimeError("the rig fell over")

    monkeypatch.setattr(command, "all_drills", lambda: {"breaks down": breaks_down})
    assert command.run(None, is_short=False, seed=None, seeds=0) == 1
    assert json.loads(capsys.readouterr().out) == {**ZEROS, "lost": 1, "drills": 1, "seeds": 0, "held": 0}


@pytest.mark.parametrize("kind", ZEROS)
def test_one_finding_of_any_kind_is_in_the_line_and_ends_it_with_1(monkeypatch, capsys, kind):
    def finds(rig):
        return Findings(**{kind: ["message 7: something"]})

    monkeypatch.setattr(command, "running", lambda folder: nullcontext(Idle()))
    monkeypatch.setattr(command, "all_drills", lambda: {"finds": finds})
    assert command.run(None, is_short=False, seed=None, seeds=0) == 1
    assert json.loads(capsys.readouterr().out) == {**ZEROS, kind: 1, "drills": 1, "seeds": 0, "held": 0}


class Idle:
    """A rig for drills that use none."""

    def faults(self):
        return None


def test_a_point_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(ValueError, match=r"there are plan\.before"):
        kill_at("sent.before", 1)
    assert len(set(POINTS)) == len(POINTS)
