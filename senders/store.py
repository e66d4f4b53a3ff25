"""The SQLite file under the ledger: how it is opened, its named queries, its transactions, its times."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from senders.settings import REPOSITORY

QUERIES = REPOSITORY / "sql" / "ledger"
SCHEMA_VERSION = 4  # `user_version` at the end of sql/ledger/ddl/sqlite.sql
BUSY_SECONDS = 15.0  # how long a writer waits for another process's transaction
SLICE = 10_000  # rows that one transaction moves at most, so that no other writer waits longer

Values = Mapping[str, Any]


class LedgerError(RuntimeError):
    """The ledger cannot be opened or refuses what it was asked; the text says which file and why."""


@cache
def query(name: str) -> str:
    """The text of `sql/ledger/<name>.sql`."""
    return (QUERIES / f"{name}.sql").read_text(encoding="utf-8")


def to_text(moment: datetime) -> str:
    """An aware datetime as UTC text `YYYY-MM-DDTHH:MM:SS.ffffff`; ValueError on a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone: the ledger's times are aware UTC")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def to_moment(text: str) -> datetime:
    """The aware UTC datetime of a text that `to_text` made."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Store:
    """One connection, for one thread. `path` is made with its folder when it is not there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            self._connection.row_factory = sqlite3.Row
            self._prepare()
        except sqlite3.Error as error:
            raise LedgerError(f"the ledger {path} cannot be opened: {error}") from error

    def _prepare(self) -> None:
        run = self._connection.execute
        if run("pragma journal_mode").fetchone()[0] != "wal":  # asking takes no lock, setting does
            run("pragma journal_mode = wal")
        run("pragma synchronous = full")  # a commit is on the disk when it returns
        run("pragma foreign_keys = on")
        run(
            "pragma cache_size = -65536"
        )  # 64 MiB; with the default 2 MiB a transaction of 64 moves took 3 times as long
        version = run("pragma user_version").fetchone()[0]
        if version < SCHEMA_VERSION:  # new or older: each statement makes only what is not there
            self._connection.executescript(query("ddl/sqlite"))
        elif version > SCHEMA_VERSION:
            raise LedgerError(
                f"the ledger {self.path} has schema version {version}, this program speaks {SCHEMA_VERSION}: "
                "use the program that made it"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and on the disk when it ends; inside another one, part of that.
        `immediate`: two writers never both read first."""
        if self._connection.in_transaction:
            yield
            return
        self._connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()

    @contextmanager
    def part(self) -> Iterator[None]:
        """Inside a transaction: all or nothing of this part, whatever becomes of the rest."""
        self._connection.execute("savepoint part")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:  # a full disk has ended all of it
                self._connection.execute("rollback to part")
                self._connection.execute("release part")
            raise
        self._connection.execute("release part")

    def run(self, name: str, values: Values | None = None) -> sqlite3.Cursor:
        return self._connection.execute(query(name), values or {})

    def change(self, name: str, values: Values) -> int:
        """Run a query that writes; how many rows it changed, without those its triggers did."""
        return self.run(name, values).rowcount

    def change_each(self, name: str, rows: Iterable[Values]) -> int:
        """`change` for each row, at a third of the cost of as many calls."""
        return self._connection.executemany(query(name), rows).rowcount

    def value(self, name: str, values: Values | None = None) -> Any:
        """The first column of the first row, or None."""
        row = self.run(name, values).fetchone()
        return None if row is None else row[0]

    def change_in_slices(self, name: str, values: Values) -> int:
        """Run a query with `:limit` again and again, each time in its own transaction, until it is done."""
        changed = 0
        while True:
            with self.transaction():
                count = self.change(name, {**values, "limit": SLICE})
            changed += count
            if count < SLICE:
                return changed
