"""What landed, copied out of the warehouse between two ticks, and landed again as the replay comes to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from dagster_project import lock
from dagster_project.backtest.plan import NEVER, Plan
from receivers.warehouse import in_utc
from senders.settings import REPOSITORY, Settings

SQL = REPOSITORY / "sql" / "replay"
JOURNAL = "ledger_journal"
READER_WAIT_SECONDS = 60
# Between deciding and the provider's answer in a real tick: a cap's window counts from then.
SEND_SECONDS = 5


def statement(name: str, **parts: object) -> str:
    """sql/replay/<name>.sql with its `{parts}` filled in."""
    text = (SQL / f"{name}.sql").read_text()
    return text.format(**parts) if parts else text


@dataclass
class Landed:
    """History beside the raw tables of a scratch warehouse; `landing` names its tables and their clock."""

    connection: Any
    landing: dict[str, str]
    _next: dict[str, datetime | None] = field(default_factory=dict)

    @classmethod
    def copy(cls, settings: Settings, connection: Any, plan: Plan) -> Self:
        """Everything that the plan's ticks see land. Raises LockedError when no tick comes to its end."""
        connection.execute("create schema landed")
        with attached(settings, connection, "a backtest's copy"):
            tables = copy_tables(
                connection, plan.last, as_if_live=plan.as_if_live, known_until=plan.known_until
            )
            copied_at = "happened_at" if plan.as_if_live else "copied_at"
            query = statement("copy_suppressions", copied_at=copied_at)
            connection.execute(query, {"until": in_utc(plan.last), "known_until": in_utc(plan.known_until)})
        return cls.of(connection, tables)

    @classmethod
    def of(cls, connection: Any, tables: Iterable[str]) -> Self:
        """The history that was copied into the tables and the journal of `landed`."""
        here = cls(connection, dict.fromkeys(tables, "landed_at") | {JOURNAL: "copied_at"})
        here._read_documents()
        return here

    def _read_documents(self) -> None:
        documents = [
            f"select {column} as document from landed.{table}"  # noqa: S608 names from the catalogue
            for table, column in self.connection.execute(
                "select table_name, column_name from duckdb_columns() where schema_name = 'landed' "
                "and column_name in ('properties', 'record', 'traits', 'attributes')"
            ).fetchall()
        ]
        self.connection.execute(statement("documents", documents=" union all ".join(documents)))

    def land(self, since: datetime | None, until: datetime) -> set[str]:
        """Land what came after `since` up to `until`; the raw tables (`raw.<name>`) that got something."""
        values = {"since": in_utc(since) if since else datetime.min, "until": in_utc(until)}
        due = [table for table in self.landing if self._is_due(table, values["until"])]
        for table in due:
            query = statement("land", table=table, landed_at=self.landing[table])
            self.connection.execute(query, values)
            self._next[table] = self._first_after(table, values["until"])
        return {f"raw.{table}" for table in due}

    def next_landing(self) -> datetime | None:
        """When the next row lands, as the warehouse holds times; None after the last."""
        return min((moment for moment in self._next.values() if moment), default=None)

    def _is_due(self, table: str, until: datetime) -> bool:
        if table not in self._next:
            self._next[table] = self._first_after(table, datetime.min)
        moment = self._next[table]
        return moment is not None and moment <= until

    def _first_after(self, table: str, moment: datetime) -> datetime | None:
        landed_at = self.landing[table]
        query = f"select min({landed_at}) from landed.{table} where {landed_at} > $moment"  # noqa: S608
        return self.connection.execute(query, {"moment": moment}).fetchone()[0]

    def imagine(self, as_of: datetime) -> bool:
        """Write into the journal what the ledger would of the messages decided at `as_of`; True for any."""
        (seq,) = self.connection.execute(
            "select greatest((select coalesce(max(seq), 0) from raw.ledger_journal), "
            "(select coalesce(max(seq), 0) from landed.ledger_journal))"
        ).fetchone()
        values = {"seq": seq, "as_of": in_utc(as_of), "send_seconds": SEND_SECONDS}
        return bool(self.connection.execute(statement("imagine"), values).fetchone()[0])


@contextmanager
def attached(settings: Settings, connection: Any, reader: str) -> Iterator[None]:
    """The real warehouse as `source`, to read only, between two ticks. LockedError when no tick ends."""
    with lock.held(settings.home, reader, READER_WAIT_SECONDS):
        path = str(settings.warehouse).replace("'", "''")
        connection.execute(f"attach '{path}' as source (read_only)")
        try:
            yield
        finally:
            connection.execute("detach source")


def copy_tables(
    connection: Any,
    until: datetime,
    *,
    as_if_live: bool = False,
    known_until: datetime = NEVER,
    whose: Mapping[str, str] | None = None,
) -> list[str]:
    """What had landed by `until`, of a raw table the rows that its condition in `whose` takes; the tables.

    As it landed, or, `as_if_live`, when it happened, but for what really landed after `known_until`.
    """
    tables = connection.execute(statement("raw_tables"), {"database": "source"}).fetchall()
    for table, happened in tables:
        landed_at = f"least(landed_at, {happened})" if as_if_live else "landed_at"
        condition = (whose or {}).get(table, "true")
        query = statement("copy_table", table=table, landed_at=landed_at, condition=condition)
        connection.execute(query, {"until": in_utc(until), "known_until": in_utc(known_until)})
    return [table for table, _ in tables]
