"""What one tick leaves behind for the next look: state.json, and a line in ticks.jsonl.

Both are hints and records. Losing state.json costs one tick that finds nothing to do.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class State:
    """`next_due_at`: the earliest moment at which something may be owed although nothing lands;
    None when there is none. A tick that began and did not end leaves its own start there.
    `kpis_due_at`: before this the KPIs are left as they are; None where every tick tells them anew.
    `turn_at`: when the last tick that had a turn of its own was asked for; `is_extra_spent`: another
    has run since, out of turn."""

    next_due_at: datetime | None = None
    last_journal_seq: int = 0
    last_as_of: datetime | None = None
    turn_at: datetime | None = None
    is_extra_spent: bool = False
    kpis_due_at: datetime | None = None

    def is_in_turn(self, now: datetime, tick_seconds: int) -> bool:
        """May a tick begin for whatever there is to do? One may in each `tick_seconds` of the wall clock."""
        return self.turn_at is None or _turn(now, tick_seconds) != _turn(self.turn_at, tick_seconds)

    def begun(self, as_of: datetime, asked_at: datetime, tick_seconds: int) -> State:
        """What to leave behind when a tick begins: should it die, the next look begins another."""
        is_extra = not self.is_in_turn(asked_at, tick_seconds)
        turn_at = self.turn_at if is_extra else asked_at
        return State(as_of, self.last_journal_seq, as_of, turn_at, is_extra, self.kpis_due_at)


def read(home: Path) -> State | None:
    """None where no tick has run yet, or where the file cannot be read."""
    try:
        values = json.loads((home / "state.json").read_text())
        return State(
            next_due_at=_moment(values["next_due_at"]),
            last_journal_seq=int(values["last_journal_seq"]),
            last_as_of=_moment(values["last_as_of"]),
            turn_at=_moment(values["turn_at"]),
            is_extra_spent=bool(values["is_extra_spent"]),
            kpis_due_at=_moment(values["kpis_due_at"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(home: Path, state: State) -> None:
    part = home / f".state.json.{os.getpid()}"
    part.write_text(json.dumps(asdict(state), default=datetime.isoformat))
    part.replace(home / "state.json")


def record_tick(home: Path, summary: Mapping[str, Any]) -> None:
    """Append one summary as one line; a reader never sees half of it."""
    line = json.dumps(summary, default=str) + "\n"
    descriptor = os.open(home / "ticks.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def ticks(home: Path) -> list[dict[str, Any]]:
    """Every summary recorded so far, oldest first (see `Tick.summary`)."""
    try:
        lines = (home / "ticks.jsonl").read_text().splitlines()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines if line]


def tick_of_run(home: Path, run_id: str) -> dict[str, Any] | None:
    """The summary of one Dagster run; None where it ended before its tick began."""
    return next((each for each in reversed(ticks(home)) if each["run_id"] == run_id), None)


def _turn(moment: datetime, tick_seconds: int) -> int:
    return int(moment.timestamp() // tick_seconds)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
