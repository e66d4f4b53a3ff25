"""Do manifest and quarantine say of an archived file what its rows say when they are read again?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import reduce
from operator import and_
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from receivers.feed import Feed
from receivers.gate import file_mask, row_mask
from receivers.landing import FUTURE
from receivers.taking import REUSED
from receivers.warehouse import statement
from receivers.zone import Found

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from senders.settings import Settings

_ARCHIVED_TWICE = re.compile(r"\.[0-9a-f]{16}(?=\.|$)")


def landed_as(below: PurePosixPath) -> tuple[PurePosixPath, PurePosixPath]:
    """The names that an archived file may have landed under: its own, and the one without a file id."""
    return below, PurePosixPath(_ARCHIVED_TWICE.sub("", str(below), count=1))


class Row(NamedTuple):
    """A row as the gate judges it now; `moment` is its naive UTC time, where it has one."""

    number: int
    failed: int
    moment: datetime | None


class Records:
    """What the warehouse holds about files; a context manager. Not `is_open` when it cannot be opened."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.warehouse
        self._connection: DuckDBPyConnection | None = None

    def __enter__(self) -> Records:
        import duckdb

        try:
            self._connection = duckdb.connect(str(self._path), read_only=True)
        except duckdb.Error:  # there is none, or a tick holds it
            self._connection = None
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection:
            self._connection.close()

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def strays(self, feed: Feed, file: Found, rows: list[Row], reason: str | None) -> Iterator[str]:
        """Sentences about what does not fit. `rows` are the file's, `reason` why it cannot be read."""
        if self._connection is None:
            return
        entry = self._entry(file)
        if entry is None:
            yield f"{file.name}: not in the manifest, or changed since it was taken"
            return
        file_id, status, rows_read, judged_at = entry
        if reason is None and rows_read != len(rows):
            yield f"{file.name}: the manifest counts {rows_read} rows, the file has {len(rows)}"
        is_condemned = reason is not None or bool(
            rows and reduce(and_, (row.failed for row in rows)) & file_mask(feed)
        )
        if is_condemned != (status == "quarantined"):
            yield f"{file.name}: the manifest says {status}, the gate says otherwise"
        elif not is_condemned:
            yield from self._stray_rows(feed, file, file_id, rows, judged_at)

    def _entry(self, file: Found) -> tuple[str, str, int, datetime] | None:
        for below in landed_as(file.below):
            entry = self._rows("audited_file", [Found(file.path, below, file.status).file_id()])
            if entry:
                return entry[0]
        return None

    def _stray_rows(
        self, feed: Feed, file: Found, file_id: str, rows: list[Row], judged_at: datetime
    ) -> Iterator[str]:
        """The future has moved on since, so what was refused for being in it may be fine by now."""
        by_clock = sum(1 << bit for bit, rule in enumerate(feed.rules) if "$PARAMETER" in str(rule.kwargs))
        expected = {row.number for row in rows if row.failed & row_mask(feed) & ~by_clock}
        future = {row.number for row in rows if row.moment and row.moment > judged_at + FUTURE}
        actual = {number for (number,) in self._rows("audited_quarantine", [file_id, feed.name, REUSED])}
        for number in sorted(expected - actual):
            yield f"{file.name}: row {number} is bad and is not in the quarantine"
        for number in sorted(actual - expected - future):
            yield f"{file.name}: row {number} is in the quarantine and is good"

    def _rows(self, query: str, parameters: list[object]) -> list[tuple]:
        return self._connection.execute(statement(query), parameters).fetchall() if self._connection else []
