"""The one clock of a drill and of the processes it starts, which somebody may turn."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime, timedelta


class Clock:
    """The wall clock, turned by as many seconds as `turn` said; a forked child sees the same."""

    def __init__(self) -> None:
        self._turned = multiprocessing.Value("d", 0.0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._turned.value)

    def turn(self, seconds: float) -> None:
        """Forward, or backwards below 0."""
        with self._turned.get_lock():
            self._turned.value += seconds
