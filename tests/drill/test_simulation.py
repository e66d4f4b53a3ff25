"""The simulation: the same seed is the same run, and a protocol that is broken on purpose is found out."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from dagster_project.drill.breaking import replaced
from dagster_project.drill.simulation import carrier
from dagster_project.drill.simulation.carrier import BEHAVIOURS
from dagster_project.drill.simulation.run import simulate
from senders import inquiry, one_call
from senders.contract import Outcome, State, Verdict
from senders.deadline import Deadline
from senders.entries import Settlement
from senders.settings import REPOSITORY


def trace_of(seed, folder):
    folder.mkdir()
    simulation = simulate(seed, folder)
    assert simulation.run().is_clean
    return simulation.trace


def test_a_seed_is_the_same_run_every_time(tmp_path):
    first, second, other = (trace_of(seed, tmp_path / name) for seed, name in ((5, "a"), (5, "b"), (6, "c")))
    assert first == second != other


def test_a_seed_is_the_same_run_in_every_process_and_is_told_step_by_step():
    told = [
        subprocess.run(
            [sys.executable, "-m", "dagster_project.cli", "drill", "--seed", "5"],
            cwd=REPOSITORY, env={**os.environ, "PYTHONHASHSEED": salt},
            capture_output=True, text=True, check=True,
        )
        for salt in ("1", "2")
    ]  # fmt: skip
    assert told[0].stderr == told[1].stderr
    assert "taken" in told[0].stderr
    assert '"seeds": 1' in told[0].stdout


def test_workers_die_and_everything_else_happens_in_a_few_seeds(tmp_path):
    told = "\n".join(line for seed in range(24) for line in trace_of(seed, tmp_path / str(seed)))
    for word in ("a worker dies at", "reset after", "frozen past the lease", "taken after the deadline"):
        assert word in told


def sends_again_blindly(now, unknown, capabilities, pace):
    return Settlement(unknown, State.RETRY_WAIT, "blindly", now)


def calls_an_error_not_sent(provider, answer, judge=one_call.judge):
    verdict = judge(provider, answer)
    return replace(verdict, outcome=Outcome.RETRY) if answer.status == 500 else verdict


def never_looks(deadline):
    return None


def believes_everything(provider, answer):
    return Verdict(Outcome.ACCEPTED, "accepted")


@pytest.mark.parametrize(
    ("module", "name", "broken", "kind"),
    [
        (inquiry, "next_step", sends_again_blindly, "duplicated"),
        (one_call, "judge", calls_an_error_not_sent, "duplicated"),
        (one_call, "judge", believes_everything, "lost"),
    ],
)
def test_a_broken_protocol_is_found_out_within_sixty_seeds(tmp_path, module, name, broken, kind):
    with replaced(module, name, broken):
        assert any(simulate(seed, tmp_path).run().wrong()[kind] for seed in range(60))


def test_a_sender_that_does_not_look_before_its_first_byte_is_found_out(tmp_path):
    frozen = [int(name == "frozen before the first byte") for name in BEHAVIOURS]
    with replaced(carrier, "_WEIGHTS", frozen):
        assert all(simulate(seed, tmp_path).run().is_clean for seed in range(20))
        with replaced(Deadline, "look", never_looks):
            assert any(simulate(seed, tmp_path).run().wrong()["duplicated"] for seed in range(20))
