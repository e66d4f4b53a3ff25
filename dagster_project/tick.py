"""One tick: its clock, its lock, how long each phase took, and what came of it."""

from __future__ import annotations

import gc
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from dagster_project import home, lock, state, warehouse
from dagster_project.dbt_run import Node
from senders.settings import Settings

PHASES = ("launch", "ingest", "dbt", "plan", "send", "kpis")
# Longer than any tick should take; whoever waits in vain is told who holds the lock.
LOCK_WAIT_SECONDS = 600
KPIS_SHARE = 10  # the KPIs may take a tenth of the time


class Tick:
    """What the phases of one run share. `facts` becomes the tick's summary."""

    def __init__(self, settings: Settings, run_id: str, as_of: datetime, begun: state.State) -> None:
        self.settings = settings
        self.run_id = run_id
        self.as_of = as_of
        self.seconds: dict[str, float] = {}
        self.facts: dict[str, Any] = {}
        self.failure: str | None = None
        self.nodes: list[Node] = []  # what dbt ran
        self.journal_seq = 0  # up to where the ledger's journal was copied
        self.events_before = 0  # what the models had seen before this tick
        self.begun = begun
        self.next_state: state.State | None = None
        self._began = time.monotonic()

    def clock(self) -> datetime:
        """`as_of` plus the time this tick has taken: what "now" is to the delivery protocol."""
        return self.as_of + timedelta(seconds=time.monotonic() - self._began)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        except BaseException as error:
            self.failure = f"{name}: {error}"
            raise
        finally:
            self.seconds[name] = round(time.monotonic() - began, 3)

    @property
    def tells_kpis(self) -> bool:
        """KPIs look at all messages of `kpi_days`. Where that takes long, not every tick does it."""
        return self.begun.kpis_due_at is None or self.begun.kpis_due_at <= self.as_of

    def kpis_due_at(self, seconds: float) -> datetime | None:
        """When to tell the KPIs again that took `seconds`; None for in every tick."""
        pause = KPIS_SHARE * seconds
        return self.as_of + timedelta(seconds=pause) if pause > self.settings.tick_seconds else None

    def summary(self) -> dict[str, Any]:
        """Everything worth telling about the tick, ready for JSON.

        `as_of` (ISO), `run_id`, `seconds` by phase and in total, `peak_memory_mb`, `failure`
        (null when all went well) and what the phases add: see `phases`.
        """
        spent = {name: self.seconds[name] for name in PHASES if name in self.seconds}
        return {
            "as_of": self.as_of.isoformat(),
            "run_id": self.run_id,
            "failure": self.failure,
            **self.facts,
            "seconds": {**spent, "total": round(sum(spent.values()), 3)},
            "peak_memory_mb": peak_memory_mb(),
        }


@contextmanager
def running(settings: Settings, run_id: str, asked: datetime | None, asked_at: datetime) -> Iterator[Tick]:
    """A tick that holds the lock; its summary is appended to ticks.jsonl at the end, come what may.

    `asked` is the clock that somebody wants (None: the wall's), `asked_at` when the run was asked for.
    Raises lock.LockedError and warehouse.ClockError before anything has changed.
    """
    home.prepare(settings)
    with lock.held(settings.home, f"tick {run_id}", LOCK_WAIT_SECONDS):
        with warehouse.opened(settings) as connection:
            as_of = warehouse.begin_tick(connection, asked, run_id)
        before = state.read(settings.home) or state.State()
        begun = before.begun(as_of, asked_at, settings.tick_seconds)
        state.write(settings.home, begun)
        tick = Tick(settings, run_id, as_of, begun)
        # dbt's manifest and contexts are a million objects that live until the end: looking through them for
        # garbage, again and again, is a tenth of a small tick.
        gc.disable()
        tick.seconds["launch"] = round((datetime.now(UTC) - asked_at).total_seconds(), 3)
        try:
            yield tick
        finally:
            gc.enable()
            _end(tick)


def _end(tick: Tick) -> None:
    """Write down how it ended. A tick without its last phase did not do all of a tick's work."""
    if not tick.failure and not tick.next_state:
        tick.failure = f"it ended after {[*tick.seconds][-1]}"
    if tick.next_state and not tick.failure:
        state.write(tick.settings.home, tick.next_state)
    state.record_tick(tick.settings.home, tick.summary())


def peak_memory_mb() -> float:
    """The most memory this process ever held, in MB (Linux counts KiB, macOS bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1_000_000, 1)
