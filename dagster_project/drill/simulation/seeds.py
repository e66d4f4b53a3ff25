"""Thousands of seeds, as many processes as there are cores to spare, and each failing seed by its number."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

from dagster_project.drill.children import Child
from dagster_project.drill.oracle import Findings
from dagster_project.drill.rig import MEMORY, say
from dagster_project.drill.simulation.run import simulate

PROCESSES = 2
PROGRESS_EVERY = 250  # seeds of one process


def one(seed: int) -> Findings:
    """One seed, told step by step."""
    with _folder() as folder:
        simulation = simulate(seed, folder)
        findings = simulation.run()
    for line in simulation.trace:
        say(line)
    return _named(findings, seed)


def many(seeds: Sequence[int]) -> Findings:
    """All of these seeds; what is wrong names its seed."""
    total = Findings()
    with _folder() as folder:
        shares = [seeds[number::PROCESSES] for number in range(PROCESSES)]
        results = [folder / f"{number}.json" for number in range(PROCESSES)]
        children = [
            Child(partial(_some, share, folder, result))
            for share, result in zip(shares, results, strict=True)
        ]
        codes = [child.wait() for child in children]
        for code, result in zip(codes, results, strict=True):
            if code:
                total.lost.append(f"the simulation itself failed (exit {code})")
            else:
                total.add(Findings(**json.loads(result.read_text())))
    return total


def _some(seeds: Sequence[int], folder: Path, result: Path) -> None:
    total = Findings()
    own = folder / str(os.getpid())
    own.mkdir()
    for number, seed in enumerate(seeds, 1):
        try:
            total.add(_named(simulate(seed, own).run(), seed))
        except Exception as error:
            total.lost.append(f"seed {seed}: the protocol raised {type(error).__name__}: {error}")
        for left in own.glob(f"seed-{seed}.db*"):
            left.unlink()
        if number % PROGRESS_EVERY == 0:
            say(f"       {number} of {len(seeds)} seeds")
    result.write_text(json.dumps(asdict(total)))


def _named(findings: Findings, seed: int) -> Findings:
    named = {kind: [f"seed {seed}: {each}" for each in reasons] for kind, reasons in findings.wrong().items()}
    return Findings(**named, held=findings.held)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="dovecote-seeds-", dir=MEMORY) as folder:
        yield Path(folder)
