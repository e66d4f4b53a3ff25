"""How long from an event on disk to a message accepted: the demo at a steady pace."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench import results
from senders.settings import REPOSITORY

EVENTS_PER_SECOND, MINUTES, TICK_SECONDS, AIM_SECONDS = 20, 10, 60, 80


def run(folder: Path, scale: float) -> str:
    command = [
        "demo", "--minutes", str(max(MINUTES * scale, 2)), "--events-per-second", str(EVENTS_PER_SECOND),
        "--tick-seconds", str(TICK_SECONDS),
    ]  # fmt: skip
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dovecote")), *command],
        cwd=REPOSITORY, env={"DOVECOTE_HOME": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the demo failed: {done.stdout[-3000:]}{done.stderr[-2000:]}")
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    rows = [(name.replace("_", " "), value) for name, value in report.items()]
    return (
        "## From landed to accepted\n\n"
        f"`dovecote {' '.join(command)}`: receivers, Dagster's daemon and webserver, the sandbox and the "
        f"shop on the same two cores; aim: p95 ≤ {AIM_SECONDS} s. A wait that the journey wants does not "
        "count; a fallback is what was accepted after another channel had refused it.\n\n"
        f"{results.machine()}\n\n{results.table(['figure', 'value'], rows)}"
    )
