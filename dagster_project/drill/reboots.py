"""The real daemon beside a house: a run's worker, the code server and the whole machine die in the midst of
ticks. A run that nobody ends keeps the pool's slot: somebody has to notice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from dagster_project import lock, state
from dagster_project.drill.house import House, built
from dagster_project.drill.oracle import Findings
from dagster_project.drill.rig import Drill, Rig
from senders.settings import REPOSITORY, exported

DAEMON = [sys.executable, "-m", "dagster._daemon", "run", "-w", str(REPOSITORY / "workspace.yaml")]
WITHIN_SECONDS = 240.0
LOOKS_EVERY_SECONDS = "5"


def drills() -> dict[str, Drill]:
    return {"tick: the run's worker, the code server and the machine die, one after the other": _deaths}


def _deaths(rig: Rig) -> Findings:
    if rig.house is None:
        rig.house = rig.stack.enter_context(built(rig))
    house: House = rig.house
    house.begin()
    with _daemon(house) as daemon:
        for name, strike in (("worker", _worker), ("code server", partial(_code_server, daemon.pid))):
            house.land(name)
            _strike(house, strike)
            _wait(partial(_is_sent, house), f"all to be sent after the {name} died")
        house.land("machine")
        _strike(house, partial(_machine, daemon))
    with _daemon(house):
        _wait(partial(_is_sent, house), "all to be sent after the machine came back")
        _wait(lambda: not lock.is_held(house.settings.home), "the last tick to end")
    house.now = max(house.now, datetime.now(UTC))  # the daemon's ticks went by it, and no tick may go back
    return house.at_rest()


@contextmanager
def _daemon(house: House) -> Iterator[subprocess.Popen[bytes]]:
    """Dagster's daemon in a process group of its own; nothing of it is left at the end."""
    logs = house.settings.home / "logs"
    logs.mkdir(exist_ok=True)
    environment = {**house.settings.environment, "DOVECOTE_TICK_SECONDS": LOOKS_EVERY_SECONDS}
    environment["DAGSTER_HOME"] = str(house.settings.dagster_home)
    with exported(environment), (logs / "daemon.log").open("ab") as log:
        daemon = subprocess.Popen(DAEMON, stdout=log, stderr=log, start_new_session=True, cwd=REPOSITORY)
    try:
        yield daemon
    finally:
        _machine(daemon, house)
        daemon.wait()


def _strike(house: House, strike: Callable[[House], None]) -> None:
    _wait(lambda: _worker_of(house), "a tick to begin")
    strike(house)


def _worker_of(house: House) -> int | None:
    """The process of the tick that runs now, as the lock's file names it."""
    if not lock.is_held(house.settings.home):
        return None
    held_by = lock.path_of(house.settings.home).read_text()
    return int(held_by.split()[-1]) if held_by.startswith("tick ") else None


def _kill(pid: int | None) -> None:
    with suppress(ProcessLookupError):
        if pid is not None:
            os.kill(pid, signal.SIGKILL)


def _worker(house: House) -> None:
    _kill(_worker_of(house))


def _code_server(daemon: int, house: House) -> None:
    for pid in _children(daemon):
        if "grpc" in Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace"):
            _kill(pid)


def _machine(daemon: subprocess.Popen[bytes], house: House) -> None:
    """Everything at once."""
    pids = [daemon.pid, *_children(daemon.pid), _worker_of(house)]
    for pid in pids:
        _kill(pid)


def _children(pid: int) -> list[int]:
    """All that a process started, and what these started."""
    found: list[int] = []
    parents = {pid}
    for entry in sorted(int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()):
        with suppress(OSError):
            stat = Path(f"/proc/{entry}/stat").read_text()
            if int(stat.rpartition(")")[2].split()[1]) in parents:
                parents.add(entry)
                found.append(entry)
    return found


def _is_sent(house: House) -> bool:
    taken = {row["message_id"] for row in house.rig.accepted(house.after)}
    return len(taken) >= len(house.orders) and any(
        not tick["failure"] for tick in state.ticks(house.settings.home)
    )


def _wait(is_so: Callable[[], object], what: str) -> None:
    ends_at = time.monotonic() + WITHIN_SECONDS
    while not is_so():
        if time.monotonic() > ends_at:
            raise RuntimeError(f"waited {WITHIN_SECONDS:.0f} s in vain for {what}")
        time.sleep(0.3)
