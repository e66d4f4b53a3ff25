"""What lies under the ledger: its named queries, its transactions, its times, for a file or a server.

What differs between the two is in `ledger_file.py` (SQLite) and `ledger_postgresql.py`. A query is one text
for both: a server leaves out `indexed by …` and reads what stands in `/* postgresql: … */`. Where that is not
enough, its own version is `sql/ledger/postgresql/<name>.sql`; `sql/ledger/sqlite/` is what only a file needs.
Errors are the DB-API's, by the classes of `sqlite3`, whichever of the two is below.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import Enum
from functools import cache, lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from senders.ledger_server import LedgerServer
from senders.settings import REPOSITORY

QUERIES = REPOSITORY / "sql" / "ledger"
SCHEMA_VERSION = 9  # at the end of each file in sql/ledger/ddl
BUSY_SECONDS = 15.0  # how long a writer waits for another one's transaction
# Queries that take all their rows in one statement and tell (this column, number) of those that were new.
AT_ONCE = {"plan_message": "message_id"}
# What the drivers find in a query's text: `:name`, and what they leave out.
PARAMETER = re.compile(r"(?<![:\w]):([a-z]\w*)")
COMMENT = re.compile(r"--[^\n]*")
SLICE = 10_000  # rows that one transaction moves at most, so that no other writer waits longer

Values = Mapping[str, Any]


class LedgerError(RuntimeError):
    """The ledger cannot be opened or refuses what it was asked; the text says which one and why."""


class Beside(Enum):
    """Who may write while a transaction does. A file has one writer whatever is asked for."""

    NOBODY = "nobody"  # as if the ledger were a file: the default, for whatever is rare or forbids
    SENDERS = "senders"  # rows are locked one by one, and nobody waits for a row while others wait for his
    PLANNERS_NOT = "planners_not"  # beside senders: two planners would wait for each other's new rows


class Base(Protocol):
    """One connection to a file or a server, for one thread."""

    has_many_writers: bool

    @property
    def connection(self) -> Any: ...

    @property
    def in_transaction(self) -> bool: ...

    def begin(self, beside: Beside) -> None: ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def close(self) -> None: ...

    def scrub(self) -> list[str]: ...

    def execute(self, text: str) -> Any: ...

    def run(self, name: str, values: Values) -> Any: ...

    def run_each(self, name: str, rows: Iterable[Values]) -> int: ...

    def first_of_each(self, name: str, rows: Sequence[Values]) -> list[Any]: ...


@cache
def query(name: str, folder: Path = QUERIES) -> str:
    """The text of `sql/ledger/<name>.sql`."""
    return (folder / f"{name}.sql").read_text(encoding="utf-8")


def to_text(moment: datetime) -> str:
    """An aware datetime as UTC text `YYYY-MM-DDTHH:MM:SS.ffffff`; ValueError on a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone: the ledger's times are aware UTC")
    return _utc_text(moment.astimezone(UTC))


@lru_cache(maxsize=1024)  # a tick's clock, and the due times of a campaign, come again and again
def _utc_text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00")


def to_moment(text: str) -> datetime:
    """The aware UTC datetime of a text that `to_text` made."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def listed(numbers: Iterable[int]) -> str:
    """Numbers as a query takes any number of them: a JSON list, read by `json_each`."""
    return f"[{','.join(map(str, numbers))}]"


def open_base(place: Path | LedgerServer) -> Base:
    """The driver of the one that is not used is not imported."""
    if isinstance(place, LedgerServer):
        try:
            from senders.ledger_postgresql import PostgresqlServer
        except ModuleNotFoundError as error:
            install = "pip install 'psycopg[binary]'"
            raise LedgerError(f"the ledger {place} needs a driver that is not here: {install}") from error
        return PostgresqlServer(place)
    from senders.ledger_file import SqliteFile

    return SqliteFile(place)


class Store:
    """One connection, for one thread. A file is made with its folder, a server's tables are made, when
    they are not there."""

    def __init__(self, place: Path | LedgerServer) -> None:
        self.place = place
        self._base = open_base(place)
        self._beside = Beside.NOBODY

    @property
    def is_shared(self) -> bool:
        """Whether workers on other machines may send from it too."""
        return self._base.has_many_writers

    @property
    def is_in_transaction(self) -> bool:
        return self._base.in_transaction

    @property
    def _connection(self) -> Any:
        return self._base.connection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._base.close()

    @contextmanager
    def transaction(self, beside: Beside = Beside.NOBODY) -> Iterator[None]:
        """All or nothing, and on the disk when it ends; inside another one, part of that.
        The lock is taken at its beginning: two writers never both read first."""
        if self._base.in_transaction:
            if beside is Beside.NOBODY and self._beside is not Beside.NOBODY:
                raise RuntimeError("inside a transaction beside others, nothing can be done beside nobody")
            yield
            return
        self._base.begin(beside)
        self._beside = beside
        try:
            yield
        except BaseException:
            self._base.rollback()
            raise
        self._base.commit()

    @contextmanager
    def part(self) -> Iterator[None]:
        """Inside a transaction: all or nothing of this part, whatever becomes of the rest."""
        self._base.execute("savepoint part")
        try:
            yield
        except BaseException:
            if self._base.in_transaction:  # a full disk has ended all of it
                self._base.execute("rollback to savepoint part")
                self._base.execute("release savepoint part")
            raise
        self._base.execute("release savepoint part")

    def run(self, name: str, values: Values | None = None) -> Any:
        """The cursor of a named query; its rows are read by position and by name."""
        return self._base.run(name, values or {})

    def change(self, name: str, values: Values) -> int:
        """Run a query that writes; how many rows it changed, without those its triggers did."""
        return int(self.run(name, values).rowcount)

    def change_each(self, name: str, rows: Iterable[Values]) -> int:
        """`change` for each row, at a third of the cost of as many calls."""
        return self._base.run_each(name, rows)

    def value(self, name: str, values: Values | None = None) -> Any:
        """The first column of the first row, or None."""
        row = self.run(name, values).fetchone()
        return None if row is None else row[0]

    def value_of_each(self, name: str, rows: Sequence[Values]) -> list[Any]:
        """`value` for each row, in their order; a server is not waited for in between."""
        return self._base.first_of_each(name, rows)

    def settled(self, name: str) -> Any:
        """`value` of a query that nobody under way can still change from below: on a server, whoever
        writes is waited for, and nobody begins until it is read."""
        if not self._base.has_many_writers:
            return self.value(name)
        with self.transaction():
            return self.value(name)

    def change_in_slices(self, name: str, values: Values) -> int:
        """Run a query with `:limit` again and again, each time in its own transaction, until it is done.
        It passes over rows that somebody else has locked, so it may run beside senders."""
        changed = 0
        while True:
            with self.transaction(Beside.SENDERS):
                count = self.change(name, {**values, "limit": SLICE})
            changed += count
            if count < SLICE:
                return changed
