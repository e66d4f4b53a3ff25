"""What landed is taken in, each file exactly once.

A batch of files of one feed is read, judged and committed in one transaction: rows, quarantine
and one manifest row a file. Only then the files move to the archive. A crash before the commit leaves
nothing behind, one after it leaves files that the manifest knows by path and content: they are only
moved. An event that comes in two files counts once, by the key its feed declares.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from receivers.feed import FOLDER, UnknownFeed, feed_of
from receivers.intake import Intake
from receivers.table_source import has_loaded, remember_tables, table_feeds, take_table
from receivers.taking import FeedCount
from receivers.warehouse import in_utc, open_warehouse, scalar, statement
from receivers.zone import Found, waiting

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from senders.settings import Settings

FUTURE = timedelta(hours=1)  # how far ahead of our wall clock a sender's may be
_BATCH_BYTES = 256 * 1024 * 1024
_BATCH_FILES = 5_000


@dataclass
class IngestSummary:
    """What one ingest came to: `landed_at` (aware) is the time it gave to all rows, `feeds` counts by
    feed, `left` says of each file that stays in the landing zone why."""

    landed_at: datetime
    feeds: dict[str, FeedCount] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def total(self) -> FeedCount:
        return sum(self.feeds.values(), FeedCount("all"))

    def add(self, count: FeedCount) -> None:
        self.feeds[count.feed] = self.feeds.get(count.feed, FeedCount(count.feed)) + count

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "landed_at": self.landed_at.isoformat(), "total": asdict(self.total)}


def has_landed(settings: Settings) -> bool:
    """Whether there is work for `ingest`: a file waits, or a source table was loaded. Cheap; for the sensor.

    Not to be called while a tick runs: it may open the warehouse for a moment.
    """
    return any(True for _ in waiting(settings.landing)) or has_loaded(settings)


def ingest(
    settings: Settings,
    now: datetime,
    on_progress: Callable[[FeedCount], None] | None = None,
    feeds: Path = FOLDER,
) -> IngestSummary:
    """Take in everything that waits below the landing zone and in source tables.

    `now` (aware) becomes landed_at, but never less than the newest one there is. Calls `on_progress`
    after every commit with what it came to. Raises FeedError for a wrong declaration, WarehouseBusy
    when another process holds the warehouse. Bad files and rows never raise: they are quarantined.
    """
    started = time.monotonic()
    connection = open_warehouse(settings)
    try:
        summary = IngestSummary(set_clock(connection, now))
        connection.execute(statement("macros"))
        intake = Intake(connection, settings.archive, feeds)
        for count in _take_all(connection, settings, intake, feeds):
            summary.add(count)
            if on_progress:
                on_progress(count)
        remember_tables(connection, settings, feeds)
    finally:
        connection.close()
    summary.left = intake.left
    summary.seconds = time.monotonic() - started
    return summary


def set_clock(connection: DuckDBPyConnection, now: datetime) -> datetime:
    """Give the session its times: landed_at (returned), judged_at, and latest, after which is the future."""
    newest = scalar(connection, "select max(landed_at) from raw.manifest")
    landed_at = max(in_utc(now), newest or datetime.min)
    judged_at = in_utc(datetime.now(UTC))
    times = {"landed_at": landed_at, "judged_at": judged_at, "latest": judged_at + FUTURE}
    for variable, moment in times.items():
        connection.execute(f"set variable {variable} = cast(? as timestamp)", [moment])
    return landed_at.replace(tzinfo=UTC)


def _take_all(
    connection: DuckDBPyConnection, settings: Settings, intake: Intake, feeds: Path
) -> Iterator[FeedCount]:
    for feed_name, files in groupby(waiting(settings.landing), lambda found: _feed_name(found, feeds)):
        for batch in _batches(files):
            yield from intake.take(feed_name, batch)
    for feed in table_feeds(feeds):
        if feed.source_table:
            yield from take_table(connection, feed, feed.source_table, feeds)


def _feed_name(found: Found, feeds: Path) -> str | None:
    try:
        return feed_of(found.below, feeds)
    except UnknownFeed:
        return None


def _batches(files: Iterable[Found]) -> Iterator[list[Found]]:
    """Batches bounded in files and bytes: what one transaction, and a crash, may cost."""
    batch: list[Found] = []
    size = 0
    for file in files:
        batch.append(file)
        size += file.bytes
        if len(batch) == _BATCH_FILES or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
