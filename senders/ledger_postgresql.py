"""The ledger on a PostgreSQL server (14 or newer): several machines, many writers at a time.

Every transaction that writes holds the ledger's advisory lock from its beginning to its commit: shared
beside senders, alone otherwise (`store.Beside`). So what forbids (an opt-out, a switch, a receipt) is seen
by whoever claims after it, as with a file's single writer, while senders work side by side.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, ClassVar

import psycopg
from psycopg.adapt import Dumper
from psycopg.types.string import StrDumperUnknown

from senders.ledger_server import LedgerServer
from senders.store import (
    AT_ONCE,
    BUSY_SECONDS,
    COMMENT,
    PARAMETER,
    QUERIES,
    SCHEMA_VERSION,
    Beside,
    LedgerError,
    Values,
    query,
)

_OWN = QUERIES / "postgresql"
# What the shared queries say to one of the two alone: a hint to a file's planner, a lock of a server's rows.
_OF_A_FILE = re.compile(r" indexed by \w+")
_OF_A_SERVER = re.compile(r"/\* postgresql: (.*?) \*/", re.DOTALL)

# A sender that froze inside a transaction would hold up every opt-out: the server ends it. Each query reads
# an index, and none is to be planned anew as the tables grow from nothing to millions.
_SESSION = " ".join(
    f"-c {name}={value}"
    for name, value in {
        "lock_timeout": int(BUSY_SECONDS * 1000),
        "idle_in_transaction_session_timeout": int(BUSY_SECONDS * 1000),
        "enable_seqscan": "off",
        "jit": "off",
        "client_min_messages": "warning",
        "timezone": "UTC",
    }.items()
)
_LOCKS = {
    Beside.NOBODY: "select pg_advisory_xact_lock(ledger_lock())",
    Beside.SENDERS: "select pg_advisory_xact_lock_shared(ledger_lock())",
    Beside.PLANNERS_NOT: "select pg_advisory_xact_lock(ledger_lock() + 1);"
    "select pg_advisory_xact_lock_shared(ledger_lock())",
}
# The nearest class of the file's driver, whose names the rest of the house knows.
_ERRORS: tuple[tuple[type[psycopg.Error], type[sqlite3.Error]], ...] = (
    (psycopg.IntegrityError, sqlite3.IntegrityError),
    (psycopg.DataError, sqlite3.ProgrammingError),
    (psycopg.OperationalError, sqlite3.OperationalError),
    (psycopg.ProgrammingError, sqlite3.ProgrammingError),
)


_ABOUT_PEOPLE = ("messages", "requests", "attempts", "receipts", "journal", "suppressions", "refusals")


class Row(tuple[Any, ...]):
    """Read by position and by name, as sqlite3.Row is."""

    __slots__ = ()
    places: ClassVar[dict[str, int]] = {}

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(self.places[key] if isinstance(key, str) else key)

    def keys(self) -> list[str]:
        return list(self.places)


class _Text(StrDumperUnknown):
    """PostgreSQL's text holds every character but NUL; a file's does. Frozen bytes are no text."""

    def dump(self, obj: str) -> Any:
        return super().dump(_without_nul(obj))


def _without_nul(value: Any) -> Any:
    return value.replace("\0", "\ufffd") if isinstance(value, str) and "\0" in value else value


class _Refused(Dumper):
    """A file refuses what is neither text, number nor bytes; this driver would make an array of it."""

    def dump(self, obj: Any) -> Any:
        raise psycopg.DataError(f"cannot store a {type(obj).__name__}")


@cache
def _row_type(names: tuple[str, ...]) -> type[Row]:
    return type("Row", (Row,), {"__slots__": (), "places": {name: at for at, name in enumerate(names)}})


def _rows(cursor: psycopg.Cursor[Any]) -> Callable[[Sequence[Any]], Row]:
    return _row_type(tuple(column.name for column in cursor.description or ()))


@cache
def statement(name: str) -> str:
    """A named query in this driver's words: the server's own where there is one, else the shared one."""
    text = query(name, _OWN if (_OWN / f"{name}.sql").exists() else QUERIES)
    text = _OF_A_SERVER.sub(r"\1", _OF_A_FILE.sub("", COMMENT.sub("", text))).replace("%", "%%")
    return PARAMETER.sub(r"%(\1)s", text)


class PostgresqlServer:
    """See `store.Base`. A connection that broke is made anew by the next transaction, or by the next query
    outside of one."""

    has_many_writers = True

    def __init__(self, server: LedgerServer) -> None:
        self._server = server
        # Our own word for it: what began on a connection that broke must not go on upon the next one.
        self.in_transaction = False
        try:
            self.connection = self._connect()
            self._prepare()
        except psycopg.Error as error:
            raise LedgerError(f"the ledger {server} cannot be opened: {self._shown(error)}") from None

    def _connect(self) -> psycopg.Connection[Row]:
        options = psycopg.conninfo.conninfo_to_dict(self._server.url).get("options", "")
        connection = psycopg.connect(
            self._server.url,
            autocommit=True,
            row_factory=_rows,
            connect_timeout=int(BUSY_SECONDS),
            application_name="dovecote",
            options=f"{_SESSION} {options}",
        )
        connection.adapters.register_dumper(str, _Text)
        for kind in (list, tuple):
            connection.adapters.register_dumper(kind, _Refused)
        # A commit is on the server's disk when it returns, whatever is usual there; `remote_apply` stays.
        connection.execute(
            "select set_config('synchronous_commit', 'on', false)"
            " where current_setting('synchronous_commit') = 'off'"
        )
        return connection

    def _prepare(self) -> None:
        version = self._version()
        if version < SCHEMA_VERSION:
            with self.connection.transaction():  # two that open a new ledger at once wait for each other
                self.connection.execute("select pg_advisory_xact_lock(hashtext('dovecote.ledger'))")
                if self._version() < SCHEMA_VERSION:
                    self.connection.execute(query("ddl/postgresql"))
        elif version > SCHEMA_VERSION:
            raise LedgerError(
                f"the ledger {self._server} has schema version {version}, this program speaks "
                f"{SCHEMA_VERSION}: use the program that made it"
            )

    def _version(self) -> int:
        run = self.connection.execute
        (table,) = run("select to_regclass('schema_version')").fetchone() or (None,)
        row = run("select version from schema_version").fetchone() if table else None
        return row[0] if row else 0

    def _shown(self, error: psycopg.Error) -> str:
        """The error in one line, without the password should the driver ever repeat it."""
        password = psycopg.conninfo.conninfo_to_dict(self._server.url).get("password")
        text = " ".join(str(error).split())
        return text.replace(str(password), "…") if password else text

    def _translated(self, error: psycopg.Error) -> sqlite3.Error:
        ours = next((ours for theirs, ours in _ERRORS if isinstance(error, theirs)), sqlite3.DatabaseError)
        return ours(self._shown(error))

    def begin(self, beside: Beside) -> None:
        """Wait for the lock at most BUSY_SECONDS. What is read afterwards was committed before."""
        try:
            if self.connection.closed:
                self.connection = self._connect()
        except psycopg.Error as error:
            raise self._translated(error) from error
        self.in_transaction = True
        try:
            self.execute(f"begin isolation level read committed; {_LOCKS[beside]}")
        except sqlite3.Error:
            self.rollback()
            raise

    def commit(self) -> None:
        self.in_transaction = False
        said = self.execute("commit").statusmessage
        if said != "COMMIT":  # a statement had failed, and somebody went on all the same
            raise sqlite3.OperationalError(f"nothing was committed: the server said {said}")

    def rollback(self) -> None:
        self.in_transaction = False
        if not self.connection.closed:
            self.execute("rollback")

    def close(self) -> None:
        self.connection.close()

    def scrub(self) -> list[str]:
        self.execute(f"vacuum {', '.join(_ABOUT_PEOPLE)}")
        return ["the server's own write-ahead log and its archive, until they are recycled"]

    def execute(self, text: str) -> psycopg.Cursor[Row]:
        try:
            return self.connection.execute(text, prepare=False)
        except psycopg.Error as error:
            raise self._translated(error) from error

    def run(self, name: str, values: Values) -> psycopg.Cursor[Row]:
        try:
            if self.connection.closed and not self.in_transaction:
                self.connection = self._connect()
            return self.connection.execute(statement(name), values)
        except psycopg.Error as error:
            raise self._translated(error) from error

    def run_each(self, name: str, rows: Iterable[Values]) -> int:
        cursor = self.connection.cursor()
        try:
            cursor.executemany(statement(name), rows)
        except psycopg.Error as error:
            raise self._translated(error) from error
        return max(cursor.rowcount, 0)

    def first_of_each(self, name: str, rows: Sequence[Values]) -> list[Any]:
        if name in AT_ONCE:
            return self._at_once(name, rows, AT_ONCE[name])
        cursor = self.connection.cursor()
        try:
            cursor.executemany(statement(name), rows, returning=True)
            found = [result.fetchone() for result in cursor.results()] if rows else []
        except psycopg.Error as error:
            raise self._translated(error) from error
        return [None if row is None else row[0] for row in found]

    def _at_once(self, name: str, rows: Sequence[Values], key: str) -> list[Any]:
        text = json.dumps(rows)
        if "\\u0000" in text:
            text = json.dumps(
                [{column: _without_nul(value) for column, value in row.items()} for row in rows]
            )
        found: dict[Any, Any] = dict(self.run(name, {"rows": text}).fetchall())
        return [found.pop(_without_nul(row[key]), None) for row in rows]
