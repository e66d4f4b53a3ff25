"""Whole ticks whose stores refuse, one after the other: read-only, full, and a ledger that forgot."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from dagster_project import backup
from dagster_project.drill import ticks
from dagster_project.drill.breaking import replaced
from dagster_project.drill.house import House
from dagster_project.drill.rig import Drill

# What of a home cannot be written any more, and whether a tick can do nothing without it. What landed
# is taken in where it lies, and stays there.
READ_ONLY = {"landing": False, "archive": False, "warehouse.duckdb": True, "ledger.db": True, "dagster": True}
# The phases of a tick: from its beginning on, no file grows any more.
FULL = {"land": "lands", "transform": "decides", "plan": "plans", "send": "sends", "tell": "tells"}
WRITES_ANYTHING = 0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH of linux/capability.h
CAPABILITY_VERSION = 0x20080522


def drills() -> dict[str, Drill]:
    named: dict[str, Callable[[House], None]] = {
        f"read-only: {', '.join(READ_ONLY)}": _read_only,
        f"a full disk while it {', '.join(FULL.values())}": _full,
        "a ledger of a backup that is older than some sends": _restored,
    }
    return {f"stores: {name}": partial(ticks.on_house, breaking) for name, breaking in named.items()}


def _read_only(house: House) -> None:
    for store, is_needed in READ_ONLY.items():
        house.land(store)
        with _unwritable(house.settings.home / store):
            code = house.tick(_as_anybody)
        if is_needed and code == 0:
            raise RuntimeError(f"the tick did not notice that {store} cannot be written")


@contextmanager
def _unwritable(store: Path) -> Iterator[None]:
    modes = {path: path.stat().st_mode for path in [store, *store.rglob("*")] if path.exists()}
    for path, mode in modes.items():
        path.chmod(mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    try:
        yield
    finally:
        for path, mode in modes.items():
            if path.exists():
                path.chmod(mode)


@contextmanager
def _as_anybody() -> Iterator[None]:
    """Root writes what nobody may write: this process gives that up, for good."""
    if os.geteuid() == 0:
        library = ctypes.CDLL(None)
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
        capabilities = (ctypes.c_uint32 * 6)()  # twice: effective, permitted, inheritable
        if library.capget(header, capabilities):
            raise RuntimeError("this system has no capabilities: run the drill as another user than root")
        capabilities[0] &= ~WRITES_ANYTHING
        library.capset(header, capabilities)
    yield


def _full(house: House) -> None:
    for phase, what in FULL.items():
        house.land(what)
        if house.tick(partial(_no_room_from, phase)) == 0:
            raise RuntimeError(f"the tick did not notice that the disk is full while it {what}")


@contextmanager
def _no_room_from(phase: str) -> Iterator[None]:
    from dagster_project import phases

    original = getattr(phases, phase)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def without_room(*arguments: Any) -> Any:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        return original(*arguments)

    with replaced(phases, phase, without_room):
        yield


def _restored(house: House) -> None:
    """Of what it sent since, the warehouse has copied one part of its journal; of the other nobody knows."""
    house.land("before")
    ticks.expect(house.tick(is_loud=True), 0)
    copy = backup.backup(house.settings, house.settings.home / "backup.db")
    for name in ("copied", "not copied"):
        house.land(name)
        ticks.expect(house.tick(is_loud=True), 0)
    backup.restore(house.settings, copy, house.now)
    house.has_forgotten = True
