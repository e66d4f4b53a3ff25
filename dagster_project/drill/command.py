"""`dovecote drill`: run the drills, show each, and end with one line of JSON."""

from __future__ import annotations

import json
import tempfile
import time
import traceback
from collections.abc import Mapping
from pathlib import Path

from dagster_project.drill import kills, network
from dagster_project.drill.oracle import Findings
from dagster_project.drill.rig import Drill, Rig, running, say

MEMORY = Path("/dev/shm")  # noqa: S108  a kill is no power cut: what was written is there for the next
SHOWN = 5  # findings of a kind and drill
# One of each sort: for `make test`. The whole takes minutes.
SHORT = 9


def run(only: str | None, is_short: bool) -> int:
    """The drills whose name holds `only` (None: all); 0 when all is zero."""
    chosen = {name: drill for name, drill in all_drills().items() if only is None or only in name}
    if is_short:
        chosen = {name: drill for number, (name, drill) in enumerate(chosen.items()) if number % SHORT == 0}
    total = Findings()
    fast = MEMORY if MEMORY.is_dir() else None
    with (
        tempfile.TemporaryDirectory(prefix="dovecote-drill-", dir=fast) as folder,
        running(Path(folder)) as rig,
    ):
        for number, (name, drill) in enumerate(chosen.items(), 1):
            total.add(_try(rig, f"[{number}/{len(chosen)}] {name}", drill))
    print(json.dumps(summary(total, len(chosen), 0)), flush=True)
    return 0 if total.is_clean and chosen else 1


def all_drills() -> dict[str, Drill]:
    return {**kills.drills(), **network.drills()}


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
    word = "ok" if findings.is_clean else "FAILED"
    say(f"{word:7}{name}: {time.monotonic() - began:.1f} s, {findings.held} held")
    for kind, reasons in findings.wrong().items():
        for reason in reasons[:SHOWN]:
            say(f"       {kind}: {reason}")
        if len(reasons) > SHOWN:
            say(f"       {kind}: and {len(reasons) - SHOWN} more")
    return findings
