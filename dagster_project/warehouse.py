"""What a tick itself asks of the warehouse and tells it. The rules about people are dbt's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from dagster_project import lock
from receivers import journal
from receivers.warehouse import in_utc, open_warehouse, statement
from senders.ledger import Ledger
from senders.settings import Settings

JOURNAL_PAGE = 50_000  # rows read at once, to bound memory
# A trigger may wait for an absence (a cart gone idle) that no table shows; look every so often while
# there was life in the last days.
PATROL = timedelta(minutes=5)
PATROLLED = timedelta(days=3)


class ClockError(ValueError):
    """The asked time lies before what the warehouse has seen; the text says what to do."""


@contextmanager
def opened(settings: Settings, *, read_only: bool = False) -> Iterator[Any]:
    """A DuckDB connection to the warehouse, closed at the end of the block.

    For writing, the file and its raw tables are made where they are missing. Raises WarehouseBusy
    or duckdb.IOException while another process holds it.
    """
    if read_only:
        import duckdb

        connection = duckdb.connect(str(settings.warehouse), read_only=True)
    else:
        connection = open_warehouse(settings)
        connection.execute(statement("ticks"))
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def opened_when_free(settings: Settings, wait_seconds: float = 60) -> Iterator[Any]:
    """The warehouse to read from, between two ticks; raises lock.LockedError when none comes to its end."""
    with lock.held(settings.home, "a reader", wait_seconds), opened(settings, read_only=True) as connection:
        yield connection


def last_as_of(connection: Any) -> datetime | None:
    (moment,) = connection.execute("select max(as_of) from raw.ticks").fetchone()
    return moment.replace(tzinfo=UTC) if moment else None


def begin_tick(connection: Any, asked: datetime | None, run_id: str) -> datetime:
    """The tick's `as_of`, written down: `asked`, or the wall clock but never before the last tick's.

    The same `asked` again is allowed: a tick that failed is repeated with the same result.
    Raises ClockError.
    """
    now, last = datetime.now(UTC), last_as_of(connection)
    if asked and last and asked < last:
        raise ClockError(
            f"as_of {asked:%Y-%m-%d %H:%M:%S} lies before {last:%Y-%m-%d %H:%M:%S}, which this warehouse has "
            "seen already: time only moves forward in a warehouse. Ask for a later time, or replay into "
            "another one (DOVECOTE_HOME=/somewhere/else)."
        )
    as_of = asked or max(now, last or now)
    connection.execute("insert into raw.ticks values (?, ?, ?)", [in_utc(as_of), in_utc(now), run_id])
    return as_of


def copy_news(connection: Any, ledger: Ledger, copied_at: datetime) -> int:
    """Append the ledger's journal after the last row that is here; return the last `seq`."""
    seq = journal.journal_position(connection)
    while page := list(ledger.journal_since(seq, JOURNAL_PAGE)):
        journal.copy_journal(connection, page, copied_at)
        seq = page[-1][0]
    return seq


def unplanned(connection: Any, as_of: datetime) -> Iterator[dict[str, Any]]:
    """The outbox rows that the ledger does not know yet, columns of `fct_outbox`; times aware UTC."""
    cursor = connection.execute(statement("unplanned"), {"as_of": in_utc(as_of)})
    names = [column[0] for column in cursor.description]
    while rows := cursor.fetchmany(10_000):
        for row in rows:
            yield {name: _aware(value) for name, value in zip(names, row, strict=True)}


def cancellations(connection: Any) -> list[tuple[str, str]]:
    """(message_id, reason) of messages that wait although their person has left the journey."""
    return connection.execute("select message_id, reason from decisions.fct_cancellations").fetchall()


def next_due_at(connection: Any, as_of: datetime, tick_seconds: int) -> datetime | None:
    values = {
        "as_of": in_utc(as_of),
        "next_look": in_utc(as_of + timedelta(seconds=tick_seconds)),
        "next_patrol": in_utc(as_of + PATROL),
        "patrolled_since": in_utc(as_of - PATROLLED),
    }
    (moment,) = connection.execute(statement("next_due"), values).fetchone()
    return _aware(moment)


def events_seen(connection: Any) -> int:
    """Events that the models have taken in so far; 0 before the first tick."""
    return row_counts(connection, "staging").get("int_events", 0)


def decided(connection: Any, as_of: datetime) -> list[tuple[str, str, int]]:
    """(outcome, reason, how many) of the decisions taken at `as_of`, the most frequent first."""
    return connection.execute(statement("decided"), {"as_of": in_utc(as_of)}).fetchall()


def came_of_it(connection: Any) -> tuple[int, int]:
    """Messages that reached somebody, and goals reached after one, since the beginning."""
    return connection.execute(statement("came_of_it")).fetchone()


def row_counts(connection: Any, schema: str) -> dict[str, int]:
    """Table → rows."""
    return dict(connection.execute(statement("row_counts"), {"schema": schema}).fetchall())


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
