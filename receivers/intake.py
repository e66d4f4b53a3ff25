"""A batch of files of one feed: recognised, read, committed, moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from receivers.arrivals import Arrivals, CutOff
from receivers.feed import UnknownFeed, feed_of, load_feed
from receivers.reading import Unreadable
from receivers.taking import FeedCount, LookedAt, refuse_files, take_rows
from receivers.zone import Found, move_to_archive

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

UNKNOWN = "unknown"  # the feed of files that belong to none


class Intake:
    """Takes batches in. `left` says of each file that stayed in the landing zone why."""

    def __init__(self, connection: DuckDBPyConnection, archive: Path, feeds: Path) -> None:
        self._connection = connection
        self._archive = archive
        self._feeds = feeds
        self.left: dict[str, str] = {}

    def take(self, feed_name: str | None, batch: Sequence[Found]) -> Iterator[FeedCount]:
        """Commit a batch (feed_name None: files that belong to no feed), then move its files.

        Data that the database cannot hold, which no rule foresaw, costs its own file and no other.
        """
        import duckdb

        try:
            yield from self._take(feed_name, batch)
        except (duckdb.DataError, duckdb.IntegrityError, duckdb.InvalidInputException) as error:
            if len(batch) == 1:
                yield from self._refuse(feed_name or UNKNOWN, batch[0], f"cannot be taken in: {error}")
                return
            middle = len(batch) // 2
            yield from self.take(feed_name, batch[:middle])
            yield from self.take(feed_name, batch[middle:])

    def _take(self, feed_name: str | None, batch: Sequence[Found]) -> Iterator[FeedCount]:
        ids = {file: _file_id(file) for file in batch}
        known = self._known(ids.values())
        looked_at = self._read(
            feed_name, {file: file_id for file, file_id in ids.items() if file_id not in known}
        )
        if looked_at and feed_name:
            yield take_rows(self._connection, load_feed(feed_name, self._feeds), looked_at, self._feeds)
        elif looked_at:
            yield refuse_files(self._connection, UNKNOWN, looked_at)
        committed = known | {file.file_id for file in looked_at}
        for file, file_id in ids.items():
            if file_id in committed:
                self._move(file, file_id)

    def _known(self, ids: Iterable[str]) -> set[str]:
        """Those of these files that were committed before: their move did not happen."""
        query = "select file_id from raw.manifest where list_contains($1, file_id)"
        return {row[0] for row in self._connection.execute(query, [list(ids)]).fetchall()}

    def _read(self, feed_name: str | None, files: dict[Found, str]) -> list[LookedAt]:
        """Fill `arrived`. A young file that cannot be read stays: it may still be being written."""
        arrivals = Arrivals(self._connection)
        looked_at = []
        for number, (file, file_id) in enumerate(files.items()):
            reason = None
            try:
                if feed_name is None:
                    feed_of(file.below, self._feeds)
                arrivals.load(number, file.path, may_be_cut=not file.is_young)
            except UnknownFeed as error:
                reason = str(error)
            except (Unreadable, CutOff) as error:
                reason = str(error)
                if file.is_young:
                    self.left[file.name] = reason
                    continue
            looked_at.append(LookedAt(number, file_id, file.name, file.bytes, reason))
        arrivals.flush()
        return looked_at

    def _refuse(self, feed_name: str, file: Found, reason: str) -> Iterator[FeedCount]:
        file_id = _file_id(file)
        yield refuse_files(self._connection, feed_name, [LookedAt(0, file_id, file.name, file.bytes, reason)])
        self._move(file, file_id)

    def _move(self, file: Found, file_id: str) -> None:
        if file.has_changed():
            self.left[file.name] = "it changed while it was read"
            return
        try:
            move_to_archive(file, file_id, self._archive)
        except OSError as error:  # the manifest knows it: the next ingest tries again
            self.left[file.name] = (
                f"it was taken and cannot be moved to the archive: {error.strerror or error}"
            )


def _file_id(file: Found) -> str:
    try:
        return file.file_id()
    except Unreadable:
        return file.id_without_content()
