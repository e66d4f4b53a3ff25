"""Great Expectations judges what landed, away from the tick: was the gate right?

The gate says in SQL what the declared suites say (importing Great Expectations takes seconds, a tick
has not the time). The audit reads the archived files again, lets Great Expectations itself run the very
same suites over the very same rows, and names every row of which the two think differently. Where the
warehouse can be opened it also holds manifest and quarantine against the archive.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from receivers.archive_check import Records, Row
from receivers.arrivals import Arrivals
from receivers.feed import FOLDER, Feed, UnknownFeed, feed_of, load_feed
from receivers.gate import name
from receivers.landing import FUTURE
from receivers.mapping import map_arrived
from receivers.reading import Unreadable
from receivers.warehouse import in_utc, statement
from receivers.zone import Found, waiting

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from senders.settings import Settings

_BYTES_AT_ONCE = 64 * 1024 * 1024


@dataclass
class Expectation:
    """One rule over all audited rows of its feed: how many rows failed it."""

    type: str
    column: str
    reason: str
    unexpected: int = 0


@dataclass
class AuditResult:
    """One feed. `disagreements`: rows that gate and Great Expectations judge differently; `strays`:
    where manifest or quarantine say something else than the archive. Both are empty when all is well."""

    feed: str
    files: int = 0
    rows: int = 0
    expectations: list[Expectation] = field(default_factory=list)
    disagreements: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    is_warehouse_checked: bool = False

    @property
    def is_good(self) -> bool:
        return not self.disagreements and not self.strays

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "is_good": self.is_good}


def audit(settings: Settings, since: datetime, feeds: Path = FOLDER) -> list[AuditResult]:
    """Audit the files that were archived at or after `since` (aware), a result for each feed that had any.

    Writes nothing. Takes seconds: it imports Great Expectations.
    """
    results = []
    latest = in_utc(datetime.now(UTC) + FUTURE)
    with Records(settings) as records:
        for feed_name, files in sorted(_archived(settings.archive, since, feeds).items()):
            feed = load_feed(feed_name, feeds)
            rules = [Expectation(rule.type, rule.column, rule.reason) for rule in feed.rules]
            result = AuditResult(feed.name, expectations=rules, is_warehouse_checked=records.is_open)
            for batch in _batches(files):
                _audit_batch(feed, batch, latest, records, result)
            results.append(result)
    return results


def _archived(archive: Path, since: datetime, feeds: Path) -> dict[str, list[Found]]:
    """A move changes the time of a file's status, whatever the time of its content."""
    by_feed = defaultdict(list)
    for file in waiting(archive):
        try:
            feed_name = feed_of(file.below, feeds)
        except UnknownFeed:
            continue
        if file.status.st_ctime >= since.timestamp():
            by_feed[feed_name].append(file)
    return by_feed


def _batches(files: Sequence[Found]) -> Iterator[list[Found]]:
    batch: list[Found] = []
    for file in files:
        batch.append(file)
        if sum(one.bytes for one in batch) >= _BYTES_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _audit_batch(
    feed: Feed, batch: list[Found], latest: datetime, records: Records, result: AuditResult
) -> None:
    import duckdb

    with duckdb.connect() as connection:
        reasons = _read(connection, feed, batch, latest)
        rows = _judged(connection, feed)
        for number, file in enumerate(batch):
            own = [row for file_no, row in rows if file_no == number]
            result.strays += records.strays(feed, file, own, reasons[number])
        _compare(connection, feed, batch, rows, latest, result)
    result.files += len(batch)
    result.rows += len(rows)


def _read(
    connection: DuckDBPyConnection, feed: Feed, batch: list[Found], latest: datetime
) -> list[str | None]:
    """Make `mapped` of the batch; returns for each file why it cannot be read."""
    connection.execute("set timezone = 'UTC'")
    connection.execute(statement("macros"))
    for variable, moment in {"latest": latest, "landed_at": latest - FUTURE}.items():
        connection.execute(f"set variable {variable} = cast(? as timestamp)", [moment])
    arrivals = Arrivals(connection)
    reasons: list[str | None] = []
    for number, file in enumerate(batch):
        try:
            arrivals.load(number, file.path, may_be_cut=True)
            reasons.append(None)
        except Unreadable as error:
            reasons.append(str(error))
    arrivals.flush()
    map_arrived(connection, feed, feed.name)
    return reasons


def _judged(connection: DuckDBPyConnection, feed: Feed) -> list[tuple[int, Row]]:
    query = (
        f"select file_no, row_number, failed, {name(feed.moment)} from mapped order by file_no, row_number"  # noqa: S608
    )
    return [(file_no, Row(*row)) for file_no, *row in connection.execute(query).fetchall()]


def _compare(
    connection: DuckDBPyConnection,
    feed: Feed,
    batch: list[Found],
    rows: list[tuple[int, Row]],
    latest: datetime,
    result: AuditResult,
) -> None:
    """Rule by rule, the rows that fail it by the gate and by Great Expectations. Of a row that cannot
    be read the gate says nothing else."""
    from receivers.expectations import frame_of, rows_failing

    frame = frame_of(connection, feed)
    unreadable = {position for position, (_, row) in enumerate(rows) if row.failed & 1}
    for bit, theirs in enumerate(rows_failing(feed, frame, latest)):
        ours = {position for position, (_, row) in enumerate(rows) if row.failed >> bit & 1}
        if bit:
            ours, theirs = ours - unreadable, theirs - unreadable
        if feed.rules[bit].type == "expect_column_to_exist" and not theirs:
            ours = set()  # the gate asks of every row, and a file has the column when one row has it
        result.expectations[bit].unexpected += len(theirs)
        for position in sorted(ours ^ theirs):
            file_no, row = rows[position]
            who = "the gate" if position in ours else "Great Expectations"
            rule = feed.rules[bit]
            result.disagreements.append(
                f"{batch[file_no].name}, row {row.number}: only {who} says that {rule.reason} ({rule.type})"
            )
