"""Whole ticks on a bad day: killed in the midst of dbt, started twice, out of room, fed with rubbish."""

from __future__ import annotations

import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from dagster_project.drill.breaking import replaced
from dagster_project.drill.children import Child
from dagster_project.drill.house import House, built
from dagster_project.drill.oracle import Findings
from dagster_project.drill.rig import TICK_SECONDS, Drill, Rig
from senders.ledger import Ledger

# After so many of dbt's nodes were finished, while the next ones are being made.
NODES = (1, 40, 90)
INTO_THE_NEXT = 0.01  # seconds
MORE = 40  # orders of a file that does not end well
HELD_SINCE_SECONDS = 1.0
IMPATIENT_SECONDS = 2.0  # how long a tick asks for a warehouse that somebody holds


def drills() -> dict[str, Drill]:
    """Each strikes several times, one tick after the other, and then leaves the house alone: a tick with all
    the shipped journeys costs ten seconds of CPU."""
    named: dict[str, Callable[[House], None]] = {
        f"kill -9 in dbt, after {' and '.join(map(str, NODES))} nodes": _killed_in_dbt,
        "kill -9 in the journal's copy, before and after": _killed_in_copy,
        f"kill -9 while it {', '.join(_PHASES)}": _killed_in_phases,
        "dbt's parsed project is rubbish, then cut off": _damaged_parse,
        "three at once, one of them by hand": _at_once,
        "landing: twice, out of order, late, cut off, and files that cannot be moved": _landing,
        "warehouse: no room, and then held by somebody else": _refused,
    }
    return {f"tick: {name}": partial(on_house, breaking) for name, breaking in named.items()}


def on_house(breaking: Callable[[House], None], rig: Rig) -> Findings:
    if rig.house is None:
        rig.house = rig.stack.enter_context(built(rig))
    house: House = rig.house
    house.begin()
    breaking(house)
    findings = house.at_rest()
    findings.unexpected += _holes(house)
    return findings


def _holes(house: House) -> list[str]:
    """The warehouse has the ledger's journal without a hole and nothing twice."""
    import duckdb

    with duckdb.connect(house.settings.warehouse, read_only=True) as connection:
        sql = "select count(*), count(distinct seq), coalesce(max(seq), 0) from raw.ledger_journal"
        rows, distinct, last = connection.execute(sql).fetchone() or (0, 0, 0)
    with Ledger(house.settings.ledger) as ledger:
        known = sum(1 for row in ledger.journal_since(0, 1_000_000) if row[0] <= last)
    return [] if rows == distinct == known else [f"{rows} rows, {distinct} of them distinct, of {known}"]


def expect(code: int, wanted: int) -> None:
    if code != wanted:
        raise RuntimeError(f"the tick ended with {code}, and was to end with {wanted}")


# Killed ----------------------------------------------------------------------------------------


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _killed_in_dbt(house: House) -> None:
    house.land("orders")
    for nodes in NODES:
        expect(house.tick(partial(_death_after, nodes)), -signal.SIGKILL)


@contextmanager
def _death_after(nodes: int) -> Iterator[None]:
    from dagster_project import dbt_run

    hear, heard = dbt_run.Run._hear, 0

    def count(run: dbt_run.Run, event: Any) -> None:
        nonlocal heard
        hear(run, event)
        heard += event.info.name == "NodeFinished"
        if heard == nodes:
            threading.Timer(INTO_THE_NEXT, _die).start()

    with replaced(dbt_run.Run, "_hear", count):
        yield


def _killed_in_copy(house: House) -> None:
    """The tick before has sent, so that there is something to copy."""
    house.land("first")
    expect(house.tick(is_loud=True), 0)
    house.land("second")
    for is_copied in (False, True):
        expect(house.tick(partial(_death_in_copy, is_copied)), -signal.SIGKILL)


@contextmanager
def _death_in_copy(is_copied: bool) -> Iterator[None]:
    from receivers import journal

    copy = journal.copy_journal

    def copy_and_die(*arguments: Any) -> int:
        if is_copied:
            copy(*arguments)
        _die()
        return 0

    with replaced(journal, "copy_journal", copy_and_die):
        yield


_PHASES = {"plans": "plan", "claims": "claim", "calls": "intent", "records": "record"}


def _killed_in_phases(house: House) -> None:
    for what in _PHASES:
        house.land(what)
        expect(house.tick(partial(_death_after_doing, _PHASES[what])), -signal.SIGKILL)


@contextmanager
def _death_after_doing(what: str) -> Iterator[None]:
    original = getattr(Ledger, what)

    def done_and_dead(ledger: Ledger, *arguments: Any, **named: Any) -> None:
        original(ledger, *arguments, **named)
        _die()

    with replaced(Ledger, what, done_and_dead):
        yield


# What it finds ---------------------------------------------------------------------------------


def _parsed(house: House) -> Path:
    (found,) = house.settings.home.rglob("partial_parse.msgpack")
    return found


def _damaged_parse(house: House) -> None:
    whole = _parsed(house).read_bytes()
    for name, damaged in (("rubbish", os.urandom(100_000)), ("cut off", whole[: len(whole) // 2])):
        _parsed(house).write_bytes(damaged)
        house.land(name)
        expect(house.tick(is_loud=True), 0)


def _at_once(house: House) -> None:
    house.land("orders")
    children = [house.start(is_loud=True, after_seconds=seconds) for seconds in (TICK_SECONDS, 0, 0)]
    codes = [child.wait() for child in children]
    if any(codes):
        raise RuntimeError(f"ticks at once ended with {codes}")


def _landing(house: House) -> None:
    """Where a file is to go after it was taken in, something is in the way: it is not taken in again."""
    way = house.settings.archive / "events"
    way.parent.mkdir(parents=True, exist_ok=True)
    way.write_text("no folder")
    first = house.land("first")
    text = first.read_text()
    (first.parent / "again.jsonl").write_text(text)
    (first.parent / "backwards.jsonl").write_text("".join(reversed(text.splitlines(keepends=True))))
    cut_off = house.land("cut off", 1, lambda whole: whole + whole[: len(whole) // 2])
    os.utime(cut_off, (0, 0))  # nobody is writing it any more: a young one waits for its end
    house.tick()
    way.unlink()
    (first.parent / "late.jsonl").write_text(text)


def _refused(house: House) -> None:
    house.land("orders", MORE)
    if house.tick(partial(_no_room, house)) == 0:
        raise RuntimeError("the tick did not notice that nothing can be written")
    holder = Child(partial(_hold, house))
    try:
        time.sleep(HELD_SINCE_SECONDS)
        code = house.tick(_impatient)
    finally:
        holder.signal(signal.SIGKILL)
        holder.wait()
    if code == 0:
        raise RuntimeError("the tick did not notice that somebody else holds the warehouse")


@contextmanager
def _no_room(house: House) -> Iterator[None]:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = house.settings.warehouse.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, resource.RLIM_INFINITY))
    yield


@contextmanager
def _impatient() -> Iterator[None]:
    from receivers import warehouse

    with replaced(warehouse, "_connect", partial(_connect_soon, warehouse._connect)):
        yield


def _connect_soon(connect: Callable[..., Any], path: Path, patience: float) -> Any:
    return connect(path, min(patience, IMPATIENT_SECONDS))


def _hold(house: House) -> None:
    import duckdb

    with duckdb.connect(house.settings.warehouse):
        time.sleep(600)
