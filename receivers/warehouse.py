"""The warehouse as the tick's first phase sees it: one DuckDB file, opened by one process at a time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from receivers.reading import encode
from senders.settings import REPOSITORY, Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SQL = REPOSITORY / "sql" / "warehouse"
_PATIENCE_SECONDS = 15.0
_BLOCK = 20_000  # rows handed over at once


class WarehouseBusy(RuntimeError):
    """Another process holds the warehouse and did not let go in time."""


@cache
def _text(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def statement(name: str, **parts: object) -> str:
    """The SQL in sql/warehouse/<name>.sql with its `{parts}` filled in."""
    return _text(name).format(**parts) if parts else _text(name)


def in_utc(at: datetime) -> datetime:
    """An aware time as the warehouse holds it: UTC without a zone. ValueError for a naive one."""
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone: pass an aware time")
    return at.astimezone(UTC).replace(tzinfo=None)


def open_warehouse(settings: Settings, patience: float = _PATIENCE_SECONDS) -> DuckDBPyConnection:
    """Open the warehouse, creating it and the raw tables where they are missing. The caller closes it.

    A loader or a look from outside may hold the file for a moment, so it is asked for again for
    `patience` seconds; then WarehouseBusy.
    """
    connection = _connect(settings.warehouse, patience)
    # A time without an offset is UTC, whatever this machine thinks.
    connection.execute("set timezone = 'UTC'")
    connection.execute(statement("raw"))
    return connection


def _connect(path: Path, patience: float) -> DuckDBPyConnection:
    import duckdb

    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + patience
    while True:
        try:
            return duckdb.connect(str(path))
        except duckdb.IOException as error:
            if "lock" not in str(error):
                raise
            if time.monotonic() >= deadline:
                raise WarehouseBusy(
                    f"{path} is held by another process: {str(error).splitlines()[0]}"
                ) from error
        time.sleep(0.1)


@contextmanager
def transaction(connection: DuckDBPyConnection) -> Iterator[None]:
    """All of it or nothing."""
    connection.execute("begin")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def insert_rows(
    connection: DuckDBPyConnection, table: str, types: Sequence[str], rows: Iterable[Sequence[Any]]
) -> int:
    """Insert rows with values of these SQL types; returns how many. ValueError for a row of another length.

    A block of rows is handed over as one text of JSON arrays: executemany runs a statement for every
    row, and a list for every column takes ten times as long.
    """
    values = ", ".join(f"cast(value[{place}] as {kind})" for place, kind in enumerate(types, start=1))
    paths = ", ".join(f"'$[{place}]'" for place in range(len(types)))
    query = statement("insert_block", table=table, values=values, paths=paths)
    total, rows = 0, iter(rows)
    while block := list(islice(rows, _BLOCK)):
        if wrong := next((row for row in block if len(row) != len(types)), None):
            raise ValueError(f"a row for {table} has {len(wrong)} values, its columns are {len(types)}")
        connection.execute(query, ["\n".join(encode(row) for row in block)])
        total += len(block)
    return total


def scalar(connection: DuckDBPyConnection, query: str, parameters: Sequence[object] = ()) -> Any:
    """The only value of the only row of a query; None when there is no row."""
    row = connection.execute(query, list(parameters)).fetchone()
    return row[0] if row else None
