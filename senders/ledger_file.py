"""The ledger as one SQLite file: one machine, one writer at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

from senders.store import (
    AT_ONCE,
    BUSY_SECONDS,
    COMMENT,
    PARAMETER,
    SCHEMA_VERSION,
    Beside,
    LedgerError,
    Values,
    query,
)

PAGE_BYTES, LOG_BYTES = 8 << 10, 64 << 20
# What makes the table that a query of AT_ONCE reads, what empties it and what fills it.
_GIVEN = {"plan_message": ("sqlite/given_messages", "sqlite/forget_given", "sqlite/give_message")}


@cache
def _by_place(name: str) -> tuple[str, Callable[[Values], tuple[Any, ...]]]:
    """A query with its parameters by number, and what takes them from a row: the driver looks up a name anew
    for every value of every row (a message planned: 5 of 42 µs)."""
    text = COMMENT.sub("", query(name))
    names = list(dict.fromkeys(PARAMETER.findall(text)))
    places = {parameter: f"?{place}" for place, parameter in enumerate(names, start=1)}
    only = names[0]
    values_of = itemgetter(*names) if len(names) > 1 else lambda row: (row[only],)
    return PARAMETER.sub(lambda found: places[found[1]], text), values_of


class SqliteFile:
    """See `store.Base`."""

    has_many_writers = False

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            self.connection.row_factory = sqlite3.Row
            self._prepare(path)
        except sqlite3.Error as error:
            raise LedgerError(f"the ledger {path} cannot be opened: {error}") from error

    def _prepare(self, path: Path) -> None:
        run = self.connection.execute
        # Of a new file; an old one keeps its own. Two requests of 1.5 kB filled three quarters of the
        # default 4 KiB, five fill this: 15 % less to write, a third less time in commits of what is planned.
        run(f"pragma page_size = {PAGE_BYTES}")
        if run("pragma journal_mode").fetchone()[0] != "wal":  # asking takes no lock, setting does
            run("pragma journal_mode = wal")
        run("pragma synchronous = full")  # a commit is on the disk when it returns
        run("pragma foreign_keys = on")
        # What a campaign changes again and again goes into the file once (300,000 planned: 15 s of commits
        # with the default 4 MiB of log, 8 s so).
        page_bytes = run("pragma page_size").fetchone()[0]
        run(f"pragma wal_autocheckpoint = {LOG_BYTES // page_bytes}")
        # A statement whose triggers write keeps the pages that it changes as they were, by default in a file.
        run("pragma temp_store = memory")
        # 256 MiB at most: a transaction that outgrows it writes its pages twice. With the default 2 MiB
        # 64 moves took 3 times as long; with 64 MiB the fourth 25,000 of 100,000 planned messages took
        # twice as long as the first.
        run("pragma cache_size = -262144")
        version = run("pragma user_version").fetchone()[0]
        if version < SCHEMA_VERSION:  # new or older: each statement makes only what is not there
            self.connection.executescript(query("ddl/sqlite"))
        elif version > SCHEMA_VERSION:
            raise LedgerError(
                f"the ledger {path} has schema version {version}, this program speaks {SCHEMA_VERSION}: "
                "use the program that made it"
            )

    @property
    def in_transaction(self) -> bool:
        return self.connection.in_transaction

    def begin(self, beside: Beside) -> None:
        self.connection.execute("begin immediate")

    def commit(self) -> None:
        self.connection.commit()

    def rollback(self) -> None:
        self.connection.rollback()

    def close(self) -> None:
        self.connection.close()

    def scrub(self) -> list[str]:
        self.connection.execute("pragma temp_store = file")  # a whole ledger would not fit into memory
        self.connection.execute("vacuum")  # a deleted row's bytes stay in its page
        is_busy = self.connection.execute("pragma wal_checkpoint(truncate)").fetchone()[0]
        return [
            "the ledger's log beside it: somebody was reading; it goes with the next checkpoint"
        ] * is_busy

    def execute(self, text: str) -> sqlite3.Cursor:
        return self.connection.execute(text)

    def run(self, name: str, values: Values) -> sqlite3.Cursor:
        return self.connection.execute(query(name), values)

    def run_each(self, name: str, rows: Iterable[Values]) -> int:
        text, values_of = _by_place(name)
        return self.connection.executemany(text, map(values_of, rows)).rowcount

    def first_of_each(self, name: str, rows: Sequence[Values]) -> list[Any]:
        if name in AT_ONCE:
            return self._at_once(name, rows, AT_ONCE[name])
        text, values_of = _by_place(name)
        found = (self.connection.execute(text, values_of(row)).fetchone() for row in rows)
        return [None if row is None else row[0] for row in found]

    def _at_once(self, name: str, rows: Sequence[Values], key: str) -> list[Any]:
        make, empty, fill = _GIVEN[name]
        self.connection.execute(query(make))
        self.connection.execute(query(empty))
        self.run_each(fill, rows)
        found: dict[Any, Any] = dict(self.connection.execute(query(name)).fetchall())
        # The key that comes twice in one list was new once.
        return [found.pop(row[key], None) for row in rows]
