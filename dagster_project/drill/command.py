"""`dovecote drill`: run the drills, show each, and end with one line of JSON."""

from __future__ import annotations

import json
import tempfile
import time
import traceback
from collections.abc import Mapping
from pathlib import Path

from dagster_project.drill import (
    accounts,
    exits,
    kills,
    network,
    on_server,
    reboots,
    reception,
    reports,
    stores,
    ticks,
    workers,
)
from dagster_project.drill.oracle import Findings
from dagster_project.drill.rig import MEMORY, Drill, Rig, running, say
from dagster_project.drill.simulation import seeds as simulation

SHOWN = 5  # findings of a kind and drill
SHORT = 14  # one drill in so many, for the test suite, and none of whole ticks; and always:
ALWAYS = reception.SHORTEST
SEEDS, FEW_SEEDS = 2_000, 150


def run(only: str | None, is_short: bool, seed: int | None, seeds: int | None) -> int:
    """The drills whose name holds `only` (None: all) and the simulation of `seeds`; with `seed`, that one
    and nothing else. Prints the summary; 0 when all is zero."""
    if seed is not None:
        total, drills, ran = simulation.one(seed), 0, 1
        _show(f"seed {seed}", total)
    else:
        default = 0 if only else FEW_SEEDS if is_short else SEEDS
        ran = default if seeds is None else seeds
        total, drills = _drills(only, is_short)
        if ran:
            total.add(_simulation(ran))
    print(json.dumps(summary(total, drills, ran)), flush=True)
    return 0 if total.is_clean and (drills or ran) else 1


def _drills(only: str | None, is_short: bool) -> tuple[Findings, int]:
    chosen = {name: drill for name, drill in all_drills().items() if only is None or only in name}
    if is_short:
        heavy = {**ticks.drills(), **stores.drills(), **reboots.drills()}
        light = [name for name in chosen if name not in heavy]
        chosen = {name: chosen[name] for name in [*light[::SHORT], ALWAYS] if name in chosen}
    total = Findings()
    if chosen:
        with (
            tempfile.TemporaryDirectory(prefix="dovecote-drill-", dir=MEMORY) as folder,
            running(Path(folder)) as rig,
        ):
            for number, (name, drill) in enumerate(chosen.items(), 1):
                total.add(_try(rig, f"[{number}/{len(chosen)}] {name}", drill))
    return total, len(chosen)


def _simulation(seeds: int) -> Findings:
    began = time.monotonic()
    findings = simulation.many(range(seeds))
    _show(f"simulation of {seeds} seeds: {time.monotonic() - began:.0f} s", findings)
    return findings


def all_drills() -> dict[str, Drill]:
    rooms = (
        kills, workers, network, accounts, exits, reports, on_server, reception, ticks, stores, reboots,
    )  # fmt: skip
    return {name: drill for room in rooms for name, drill in room.drills().items()}


def summary(total: Findings, drills: int, seeds: int) -> Mapping[str, int]:
    wrong = {kind: len(reasons) for kind, reasons in total.wrong().items()}
    return {**wrong, "drills": drills, "seeds": seeds, "held": total.held}


def _try(rig: Rig, name: str, drill: Drill) -> Findings:
    """A drill that breaks has proven nothing: that counts as a message lost."""
    began = time.monotonic()
    try:
        findings = drill(rig)
    except Exception as error:
        traceback.print_exc()
        findings = Findings(lost=[f"the drill itself failed: {error}"])
    finally:
        rig.faults()
    _show(f"{name}: {time.monotonic() - began:.1f} s", findings)
    return findings


def _show(what: str, findings: Findings) -> None:
    say(f"{'ok' if findings.is_clean else 'FAILED':7}{what}, {findings.held} held")
    for kind, reasons in findings.wrong().items():
        for reason in reasons[:SHOWN]:
            say(f"       {kind}: {reason}")
        if len(reasons) > SHOWN:
            say(f"       {kind}: and {len(reasons) - SHOWN} more")
