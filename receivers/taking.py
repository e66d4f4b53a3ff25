"""From `arrived` to the raw tables: map, judge, look for duplicates, and write, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from receivers import keys
from receivers.feed import Feed, load_feed
from receivers.gate import file_mask, literal, name, row_mask, rules_table
from receivers.mapping import map_arrived
from receivers.warehouse import insert_rows, statement, transaction

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection

REUSED = (
    "expect_column_values_to_be_unique"  # of keys; it is about the whole warehouse, so no feed declares it
)
_RULE_TYPES = ("bigint", "bigint", "varchar", "varchar", "varchar")
_FILE_TYPES = ("integer", "varchar", "varchar", "bigint", "varchar")


@dataclass(frozen=True)
class LookedAt:
    """A file whose rows are in `arrived`, or the reason why they are not. `path` is below landing/."""

    number: int
    file_id: str
    path: str
    bytes: int
    reason: str | None = None


@dataclass(frozen=True)
class FeedCount:
    """What one or more batches of a feed came to. rows_read = taken + duplicate + quarantined."""

    feed: str
    files_taken: int = 0
    files_quarantined: int = 0
    rows_read: int = 0
    rows_taken: int = 0
    rows_duplicate: int = 0
    rows_quarantined: int = 0

    def __add__(self, other: FeedCount) -> FeedCount:
        sums = {key: getattr(self, key) + value for key, value in vars(other).items() if key != "feed"}
        return replace(self, **sums)


def take_rows(
    connection: DuckDBPyConnection, feed: Feed, files: Sequence[LookedAt], feeds: Path
) -> FeedCount:
    """Write what is in `arrived`, in one transaction; nothing is written when it raises."""
    with transaction(connection):
        insert_files(connection, files)
        judge(connection, feed)
        write_judged(connection, feed, feeds)
        return account_of(connection, feed.name)


def refuse_files(connection: DuckDBPyConnection, feed_name: str, files: Sequence[LookedAt]) -> FeedCount:
    """Write down files of which no row can be judged, each with its reason."""
    with transaction(connection):
        insert_files(connection, files)
        connection.execute(statement("nothing_mapped"))
        connection.execute(statement("rules"))
        connection.execute(statement("quarantine_files", feed=literal(feed_name), file_mask=0))
        connection.execute(statement("manifest", feed=literal(feed_name), moment="occurred_at"))
        return account_of(connection, feed_name)


def judge(connection: DuckDBPyConnection, feed: Feed, came_by: Feed | None = None) -> None:
    """Make `mapped`, `rules` and `verdicts` of what is in `arrived`. Rows that came by another feed
    condemn no file: there they are only a part."""
    map_arrived(connection, feed, (came_by or feed).name)
    connection.execute(statement("rules"))
    reused = (0, 0, REUSED, feed.key[0], _reason_of_reuse(feed))
    insert_rows(connection, "rules", _RULE_TYPES, [reused, *rules_table(feed)])
    keys.look_for(connection, feed)
    connection.execute(
        statement(
            "verdicts",
            table=feed.table,
            row_mask=row_mask(feed),
            file_mask=0 if came_by else file_mask(feed),
            key=_columns(feed.key),
            key_of_candidates=_columns(feed.key, "candidates."),
            same=f"row({_columns(feed.same)})" if feed.same else "true",
            same_known=f"row({_columns(feed.same, 'held.')})" if feed.same else "true",
            match=" and ".join(
                f"candidates.{name(key)} is not distinct from held.{name(key)}" for key in feed.key
            ),
        )
    )


def _reason_of_reuse(feed: Feed) -> str:
    return f"its {feed.key[0]} was used before with another {' or '.join(feed.same)}"


def _columns(columns: Sequence[str], prefix: str = "") -> str:
    return ", ".join(prefix + name(column) for column in columns)


def write_judged(connection: DuckDBPyConnection, feed: Feed, feeds: Path) -> None:
    """Rows, quarantine and manifest of what was judged; and what of it is another feed's, too."""
    _write(connection, feed)
    connection.execute(statement("quarantine_files", feed=literal(feed.name), file_mask=file_mask(feed)))
    connection.execute(statement("manifest", feed=literal(feed.name), moment=feed.moment))
    if feed.also:
        connection.execute(statement("also_arrived"))
        other = load_feed(feed.also.feed, feeds)
        judge(connection, other, came_by=feed)
        _write(connection, other)


def _write(connection: DuckDBPyConnection, feed: Feed) -> None:
    columns = list(feed.columns)
    connection.execute(
        statement(
            "take", table=feed.table, columns=_columns(columns), mapped_columns=_columns(columns, "mapped.")
        )
    )
    keys.remember(connection, feed)
    connection.execute(statement("quarantine_rows", feed=literal(feed.name), row_mask=row_mask(feed)))


def insert_files(connection: DuckDBPyConnection, files: Sequence[LookedAt]) -> None:
    connection.execute(statement("files"))
    rows = [(file.number, file.file_id, file.path, file.bytes, file.reason) for file in files]
    insert_rows(connection, "files", _FILE_TYPES, rows)


def account_of(connection: DuckDBPyConnection, feed_name: str) -> FeedCount:
    """What the files looked at came to, from the manifest."""
    counts = connection.execute(statement("batch_account")).fetchone() or ()
    return FeedCount(feed_name, *(int(count) for count in counts))
