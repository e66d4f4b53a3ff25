"""What a tick costs: with one new event, 10,000 and 100,000, over a history of 1,000,000."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench import history, results, sandboxed
from senders.settings import REPOSITORY

HISTORY = 1_000_000
# (new events, how often, the aim in seconds)
TICKS = ((1, 5, 15), (10_000, 3, 20), (100_000, 3, 40))
PHASES = ("launch", "ingest", "dbt", "plan", "send", "kpis")


def run(folder: Path, scale: float) -> str:
    now = datetime.now(UTC)
    with sandboxed.running(folder) as settings:
        history.land_people(settings.landing, history.days_before(now, 95))
        first, last = history.days_before(now, 94), history.days_before(now, 4)
        history.land_events(settings.landing, "history", int(HISTORY * scale), first, last, 0)
        built = tick()
        print(f"history of {int(HISTORY * scale):,} events built in {built['wall']:.1f} s", flush=True)
        rows = []
        for count, repetitions, aim in TICKS:
            measured = [measure(settings.landing, max(int(count * scale), 1), n) for n in range(repetitions)]
            rows.append(row(max(int(count * scale), 1), aim, measured))
    head = ["new events", "aim", "whole (median, min–max)", *PHASES, "sent", "peak memory"]
    return (
        "## What a tick costs\n\n"
        f"`python -m bench ticks`: `dovecote tick` in a fresh process over a history of "
        f"{int(HISTORY * scale):,} events, 100,000 people and 20,000 profiles; seconds by phase are medians, "
        "the whole is the process's wall time from start to end.\n\n"
        f"{results.machine()}\n\n{results.table(head, rows)}\n\n"
        f"The first tick, which takes in the whole history: {built['wall']:.1f} s, "
        f"{built['peak_memory_mb'] / 1000:.1f} GB."
    )


def measure(landing: Path, count: int, number: int) -> dict[str, Any]:
    now = datetime.now(UTC)
    name = f"new-{count}-{number}-{int(now.timestamp())}"
    history.land_events(landing, name, count, history.days_before(now, 5 / 1440), now, number + 95)
    return tick()


def tick() -> dict[str, Any]:
    """One `dovecote tick` in a fresh process; its summary with `wall`, the process's seconds."""
    began = time.monotonic()
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dovecote")), "tick", "--json"],
        cwd=REPOSITORY, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the tick failed: {done.stderr[-2000:]}{done.stdout[-1000:]}")
    summary: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(json.dumps(summary["seconds"]), flush=True)
    return {**summary, "wall": time.monotonic() - began}


def row(count: int, aim: int, measured: list[dict[str, Any]]) -> list[str]:
    walls = [each["wall"] for each in measured]
    phases = [f"{median(each['seconds'].get(name, 0) for each in measured):.1f}" for name in PHASES]
    sent = int(median(sum(each["sent"].values()) for each in measured))
    return [
        f"{count:,}", f"≤ {aim} s", f"{median(walls):.1f} s ({min(walls):.1f}–{max(walls):.1f})", *phases,
        f"{sent:,}", f"{max(each['peak_memory_mb'] for each in measured):.0f} MB",
    ]  # fmt: skip
