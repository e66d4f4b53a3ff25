"""300,000 steps due in one tick, over a ledger of ten million messages and a million people."""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench import results
from dagster_project import home, manifest, warehouse
from dagster_project.assets import IN_EVERY_TICK
from dagster_project.dbt_run import Node, Run
from senders.settings import Settings, load

SQL = Path(__file__).with_name("sql")
PEOPLE, MESSAGES, DUE, AIM = 1_000_000, 10_000_000, 300_000, 8
AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)
BEFORE = AS_OF - timedelta(minutes=1)
CHUNK = 1_000_000
DECISIONS = ("run", "--select", "path:models/decisions")
SHOWN, ROUNDS = 8, 3


def run(folder: Path, scale: float) -> str:
    settings = load({"DOVECOTE_HOME": str(folder)})
    home.prepare(settings)
    people, messages, due = (int(each * scale) for each in (PEOPLE, MESSAGES, DUE))
    list(Run(settings, AS_OF - timedelta(hours=1), IN_EVERY_TICK))
    fill(settings, people, messages)
    list(Run(settings, BEFORE, DECISIONS))  # the tick before: it has read the ledger
    with warehouse.opened(settings) as connection:
        execute(connection, "crowd_due", due=due)
    by_hand = [query_by_hand(settings) for _ in range(3)]
    rounds = sorted(decided_again(settings), key=lambda each: each[0])
    with warehouse.opened(settings, read_only=True) as connection:
        outcomes = connection.execute(
            "select outcome, reason, count(*) from decisions.int_decisions_this_run group by all order by all"
        ).fetchall()
    assert sum(count for *_, count in outcomes) == due, outcomes
    return (
        f"### {due:,} steps due in one tick\n\n"
        f"{people:,} people, {messages:,} messages in the ledger ({journal_rows(messages):,} rows of its "
        "journal, with the entries, steps, decisions and outbox rows of each) over 400 days. "
        "`dbt run --select path:models/decisions` in a fresh process that has run dbt before, as in a tick; "
        "beside it one query written by hand over the same tables (bench/sql/by_hand.sql), without reasons, "
        "history or a second journey.\n\n"
        f"{table(rounds, by_hand)}\n\n"
        f"Aim: ≤ {AIM} s. Decided: "
        + ", ".join(f"{outcome} ({why}) {n:,}" for outcome, why, n in outcomes)
        + "."
    )


def fill(settings: Settings, people: int, messages: int) -> None:
    began = time.monotonic()
    with warehouse.opened(settings) as connection:
        execute(connection, "crowd_people", people=people)
        for first in range(0, messages, CHUNK):
            last = min(first + CHUNK, messages)
            execute(connection, "crowd_messages", first=first, last=last, messages=messages, people=people)
    print(f"{messages:,} messages written in {time.monotonic() - began:.0f} s", flush=True)


def execute(connection: Any, name: str, **values: int) -> Any:
    """Run the statements of bench/sql/<name>.sql, each with the values that it names; the last cursor."""
    cursor = connection
    for statement in (SQL / f"{name}.sql").read_text().split(";\n"):
        given = {"as_of": AS_OF.replace(tzinfo=None), **values}
        named = {key: value for key, value in given.items() if f"${key}" in statement}
        cursor = connection.execute(statement, named)
    return cursor


def query_by_hand(settings: Settings) -> float:
    with warehouse.opened(settings, read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        began = time.monotonic()
        execute(connection, "by_hand").fetchall()
        return time.monotonic() - began


def decided_again(settings: Settings) -> Iterator[tuple[float, float, list[Node]]]:
    """`decide` ROUNDS times, each in a fresh process and on a warehouse that has decided none of it."""
    process = multiprocessing.get_context("spawn")
    kept = settings.warehouse.with_suffix(".kept")
    shutil.copy(settings.warehouse, kept)
    for _ in range(ROUNDS):
        shutil.copy(kept, settings.warehouse)
        settings.warehouse.with_name(f"{settings.warehouse.name}.wal").unlink(missing_ok=True)
        os.sync()  # the gigabytes of the copy are not this tick's to write
        with ProcessPoolExecutor(1, mp_context=process) as fresh:
            yield fresh.submit(decide, settings).result()
    kept.unlink()


def decide(settings: Settings) -> tuple[float, float, list[Node]]:
    """Wall and CPU seconds of dbt, and its nodes."""
    manifest.manifest(settings)  # parsed and imported before the clock starts, as in a tick
    list(Run(settings, BEFORE, ("run", "--select", "int_route_moves")))  # and dbt has run other models
    gc.disable()  # as a tick does
    began, before = time.monotonic(), cpu()
    nodes = list(Run(settings, AS_OF, DECISIONS))
    return time.monotonic() - began, cpu() - before, nodes


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def journal_rows(messages: int) -> int:
    return messages * 3 + messages // 10


def table(rounds: Sequence[tuple[float, float, list[Node]]], by_hand: Sequence[float]) -> str:
    """`rounds` from the quickest to the slowest; the nodes are those of the one in the middle."""
    wall, cpu, nodes = rounds[len(rounds) // 2]
    slowest = sorted(nodes, key=lambda node: -node.seconds)[:SHOWN]
    rows = [
        ("one query by hand (best of three)", f"{min(by_hand):.1f} s"),
        (
            f"the models of decisions (median of {len(rounds)}, min–max)",
            f"**{wall:.1f} s** ({rounds[0][0]:.1f}–{rounds[-1][0]:.1f}; {cpu:.1f} s of CPU)",
        ),
        *((f"`{node.unique_id.rpartition('.')[2]}`", f"{node.seconds:.1f} s") for node in slowest),
    ]
    return results.table(["", "seconds"], rows)
