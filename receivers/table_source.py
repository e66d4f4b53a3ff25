"""A table of the warehouse that another tool loads, read by its load time.

A loader's transactions commit out of order, so a row may appear with a load time before the newest
one seen. Each look goes back by an overlap; what was taken or refused before is not read twice.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from receivers.arrivals import load_relation
from receivers.feed import FOLDER, Feed, FeedError, SourceTable, feed_names, load_feed
from receivers.taking import FeedCount, LookedAt, account_of, insert_files, judge, write_judged
from receivers.warehouse import scalar, statement, transaction

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from senders.settings import Settings

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def table_feeds(folder: Path = FOLDER) -> list[Feed]:
    """The feeds whose source is a table. FeedError for a table that is not named schema.table."""
    declared = [
        name for name in feed_names(folder) if "source_table:" in (folder / f"{name}.yml").read_text("utf-8")
    ]
    feeds = [load_feed(name, folder) for name in declared]
    for feed in feeds:
        if feed.source_table and not _is_named_well(feed.source_table):
            raise FeedError(f"receivers/feeds/{feed.name}.yml: source_table: table must be schema.table")
    return [feed for feed in feeds if feed.source_table]


def _is_named_well(source: SourceTable) -> bool:
    parts = [*source.table.split("."), source.loaded_at]
    return len(parts) == 3 and all(_NAME.fullmatch(part) for part in parts)


def take_table(
    connection: DuckDBPyConnection, feed: Feed, source: SourceTable, feeds: Path
) -> Iterator[FeedCount]:
    """Take what was loaded since the last look; yields nothing when that is nothing, or there is no table."""
    if not _exists(connection, source):
        return
    connection.execute(statement("arrived"))
    load_relation(connection, 0, _since_the_watermark(connection, feed, source))
    size = scalar(connection, "select sum(strlen(doc)) from arrived")
    if size is None:
        return
    path = f"table:{source.table}"
    with transaction(connection):
        insert_files(connection, [LookedAt(0, uuid.uuid4().hex, path, int(size))])
        judge(connection, feed)
        connection.execute(statement("forget_seen"), [path])
        is_new = scalar(connection, "select count(*) from verdicts") > 0
        if is_new:
            write_judged(connection, feed, feeds)
            account = account_of(connection, feed.name)
        names = {"table": source.table, "loaded_at": source.loaded_at}
        connection.execute(statement("move_watermark", **names), [feed.name])
    if is_new:
        yield account


def _exists(connection: DuckDBPyConnection, source: SourceTable) -> bool:
    schema, _, table = source.table.partition(".")
    query = "select count(*) from information_schema.tables where table_schema = ? and table_name = ?"
    return bool(scalar(connection, query, [schema, table]))


def _since_the_watermark(connection: DuckDBPyConnection, feed: Feed, source: SourceTable) -> str:
    """A row without a load time is looked at every time: nothing says when it came."""
    watermark = scalar(connection, "select loaded_at from raw.watermarks where feed = ?", [feed.name])
    if watermark is None:
        return source.table
    since = f"timestamp '{watermark}' - interval {int(source.overlap_minutes)} minute"
    loaded_at = f"cast({source.loaded_at} as timestamp)"
    return f"(select * from {source.table} where {loaded_at} >= {since} or {loaded_at} is null)"  # noqa: S608


def remember_tables(connection: DuckDBPyConnection, settings: Settings, feeds: Path) -> None:
    """Write down what the source tables looked like when they were read, for `has_loaded`."""
    states = _states(connection, feeds)
    if states or _memory(settings).exists():
        _memory(settings).write_text(json.dumps({"tables": states}), encoding="utf-8")


def has_loaded(settings: Settings, feeds: Path = FOLDER) -> bool:
    """Whether a source table has changed since it was read. Opens the warehouse for a moment, and only
    when its file has changed; a warehouse that another process holds says False."""
    import duckdb

    if not settings.warehouse.exists() or not table_feeds(feeds):
        return False
    remembered = _remembered(settings)
    file_state = [
        _file_state(path) for path in (settings.warehouse, settings.warehouse.with_suffix(".duckdb.wal"))
    ]
    if remembered.get("file") == file_state:
        return False
    try:
        with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
            states = _states(connection, feeds)
    except duckdb.Error:
        return False
    if states != remembered.get("tables", {}):
        return True
    _memory(settings).write_text(json.dumps({"tables": states, "file": file_state}), encoding="utf-8")
    return False


def _states(connection: DuckDBPyConnection, feeds: Path) -> dict[str, list[Any]]:
    states = {}
    for feed in table_feeds(feeds):
        source = feed.source_table
        if source and _exists(connection, source):
            query = statement("source_table_state", table=source.table, loaded_at=source.loaded_at)
            states[source.table] = list(connection.execute(query).fetchone() or ())
    return states


def _memory(settings: Settings) -> Path:
    return settings.home / "source_tables.json"


def _remembered(settings: Settings) -> dict[str, Any]:
    try:
        remembered: dict[str, Any] = json.loads(_memory(settings).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return remembered


def _file_state(path: Path) -> list[int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return [status.st_mtime_ns, status.st_size]
