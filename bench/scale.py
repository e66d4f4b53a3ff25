"""Cost grows with what is new: the same 10,000 events over 1, 10 and 50 million; 300,000 due at once."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from bench import crowd, history, results, sandboxed
from dagster_project import warehouse
from dagster_project.dbt_run import Run
from senders.settings import REPOSITORY, Settings

SIZES = (1_000_000, 10_000_000, 50_000_000)
NEW, TICKS, AIM = 10_000, 3, 1.3
BEGAN_AT = datetime(2022, 1, 1, 12, tzinfo=UTC)
A_MILLION = timedelta(days=30)
CHUNK = 4_000_000
ABOUT = 90_000  # people about at any time; bench/sql/history_events.sql says who
A_WEEK = 250_000  # events: who became a VIP in them is told so
# What takes in events, and notices who came into a segment meanwhile: a look after years would take them all
# for news. The rest of a tick is made by the ticks that are not measured.
TAKES_IN = (
    "int_events", "int_identity_links", "int_identity_spans", "int_order_lines", "int_kept_events",
    "int_dated_events", "int_activity_base", "int_activity_news", "int_person_profiles", "int_people_base",
    "int_people_news", "int_rfm_bounds", "dim_people", "seg_vip", "fct_segment_memberships",
)  # fmt: skip
PHASES = ("launch", "ingest", "dbt", "plan", "send", "kpis")


def run(folder: Path, scale: float) -> str:
    with sandboxed.running(folder) as settings:
        measured = list(over_histories(settings, scale))
    decided = crowd.run(folder / "crowd", scale)
    walls = [median(each["wall"] for each in ticks) for _, ticks in measured]
    head = ["history", "whole (median, min–max)", "CPU", *PHASES, "peak memory"]
    return (
        "## Cost grows with what is new\n\n"
        f"`python -m bench scale`. {NEW:,} new events in one tick (`dovecote tick` in a fresh process, "
        f"seconds, median of {TICKS}) over histories of growing age: a shop with a million events in thirty "
        f"days, {ABOUT:,} people about at any time and 10,000 new ones a month. The history is written into "
        "`raw` by SQL and taken in by the models; sending goes to the sandbox. CPU is user and system time "
        "of the process.\n\n"
        f"{results.machine()}\n\n{results.table(head, [row(*each) for each in measured])}\n\n"
        f"The slowest by the fastest: {max(walls) / min(walls):.2f} (aim ≤ {AIM}).\n\n{decided}"
    )


def over_histories(settings: Settings, scale: float) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """(events, the measured ticks' summaries) for each size; one warehouse that grows."""
    history.land_people(settings.landing, BEGAN_AT - timedelta(days=1))
    tick(BEGAN_AT)
    so_far = 0
    for size in (int(each * scale) for each in SIZES):
        began = time.monotonic()
        while so_far < size:
            last = size - A_WEEK if so_far < size - A_WEEK else size
            so_far = grow(settings, so_far, min(so_far + CHUNK, last))
        print(f"{size:,} events taken in after {time.monotonic() - began:.0f} s", flush=True)
        now = moment(size)
        # The ids of what was written by SQL are put beside the files' once, with the first file that lands.
        land_new(settings, f"first-{size}", now, first_person=size // 100, seed=TICKS, count=100)
        for _ in range(6):  # what the last days' events trigger goes out first
            now += timedelta(minutes=1)
            if not sum(tick(now)["sent"].values()):
                break
        ticks = []
        for number in range(TICKS):
            now += timedelta(minutes=6)
            land_new(settings, f"new-{size}-{number}", now, first_person=size // 100, seed=number)
            ticks.append(tick(now))
        yield size, ticks


def moment(events: int) -> datetime:
    """When the shop's history holds so many events."""
    return BEGAN_AT + A_MILLION * (events / 1_000_000)


def grow(settings: Settings, first: int, last: int) -> int:
    with warehouse.opened(settings) as connection:
        for name in ("history_events", "history_people"):
            crowd.execute(connection, name, first=first, last=last)
    for node in Run(settings, moment(last), ("run", "--select", *TAKES_IN)):
        assert node.status == "success", node
    return last


def land_new(
    settings: Settings, name: str, now: datetime, first_person: int, seed: int, count: int = NEW
) -> None:
    began = now - timedelta(minutes=5)
    history.land_events(
        settings.landing, name, count, began, now, seed, first_person=first_person, people=ABOUT
    )


def tick(as_of: datetime) -> dict[str, Any]:
    """One `dovecote tick` in a fresh process; its summary with its wall and CPU seconds."""
    began, before = time.monotonic(), cpu_of_children()
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dovecote")), "tick", "--json", "--as-of", as_of.isoformat()],
        cwd=REPOSITORY, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the tick failed: {done.stderr[-2000:]}{done.stdout[-1000:]}")
    summary: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    seconds = {"wall": time.monotonic() - began, "cpu": cpu_of_children() - before}
    print(as_of, seconds, json.dumps(summary["seconds"]), summary["sent"], flush=True)
    return {**summary, **seconds}


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def row(size: int, ticks: list[dict[str, Any]]) -> list[str]:
    walls = [each["wall"] for each in ticks]
    phases = [f"{median(each['seconds'].get(name, 0) for each in ticks):.1f}" for name in PHASES]
    return [
        f"{size:,}", f"{median(walls):.1f} s ({min(walls):.1f}–{max(walls):.1f})",
        f"{median(each['cpu'] for each in ticks):.1f} s", *phases,
        f"{max(each['peak_memory_mb'] for each in ticks):,.0f} MB",
    ]  # fmt: skip
