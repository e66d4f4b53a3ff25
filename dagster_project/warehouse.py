"""What a tick itself asks of the warehouse and tells it. The rules about people are dbt's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from dagster_project import lock, lost_time
from receivers import journal
from receivers.warehouse import WarehouseBusy, in_utc, open_warehouse, statement
from senders.ledger import Ledger
from senders.settings import Settings

JOURNAL_PAGE = 50_000  # rows read at once, to bound memory
# How far the wall clock may lag behind a tick's time; a typo in a year would stop time until that year.
CLOCK_TOLERANCE = timedelta(hours=1)
# A trigger may wait for an absence (a cart gone idle) that no table shows; look every so often while
# there was life in the last days.
PATROL = timedelta(minutes=5)
PATROLLED = timedelta(days=3)
ROUND = timedelta(hours=1)  # where nothing has landed for longer than that, but a day is ahead that was named


class ClockError(ValueError):
    """The asked time lies before what the warehouse has seen or in the future; the text says what to do."""


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


def tidy(settings: Settings) -> None:
    """Put what dbt left in the log beside the warehouse's file into it; whoever reads it just now goes first.
    DuckDB does so when the last connection is closed."""
    with suppress(WarehouseBusy):
        open_warehouse(settings, patience=1).close()


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
    Raises ClockError, also where `asked` or the last tick lies over CLOCK_TOLERANCE in the future.
    """
    now, last = datetime.now(UTC), last_as_of(connection)
    _refuse_the_future(now, asked, last)
    if asked and last and asked < last:
        raise ClockError(
            f"as_of {asked:%Y-%m-%d %H:%M:%S} lies before {last:%Y-%m-%d %H:%M:%S}, which this warehouse has "
            "seen already: time only moves forward in a warehouse. Ask for a later time, or replay into "
            "another one (DOVECOTE_HOME=/somewhere/else)."
        )
    as_of = asked or max(now, last or now)
    connection.execute("insert into raw.ticks values (?, ?, ?)", [in_utc(as_of), in_utc(now), run_id])
    return as_of


def _refuse_the_future(now: datetime, asked: datetime | None, last: datetime | None) -> None:
    latest, wall = now + CLOCK_TOLERANCE, f"it is {now:%Y-%m-%d %H:%M:%S} UTC on this machine"
    if last and last > latest:
        raise ClockError(
            f"the last tick was at {last:%Y-%m-%d %H:%M:%S} and {wall}: time only moves forward in a "
            "warehouse, so none can run until then. Set the machine's clock if it is wrong; otherwise begin "
            "another warehouse (DOVECOTE_HOME=/somewhere/else) with this one's ledger.db and its archive/ as "
            "landing/."
        )
    if asked and asked > latest:
        raise ClockError(
            f"as_of {asked:%Y-%m-%d %H:%M:%S} lies in the future ({wall}): the warehouse could run no other "
            "tick until then. Ask for a time that has come, or set the machine's clock."
        )


def copy_news(connection: Any, ledger: Ledger, copied_at: datetime) -> int:
    """Append the ledger's journal after the last row that is here; return the last `seq`.

    A ledger that was restored from a backup is first told what it did since. Raises
    lost_time.LedgerBehindError where it was and nobody said so."""
    lost_time.give_back(connection, ledger)
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


def discount_codes(
    connection: Any, as_of: datetime, pool: str
) -> Iterator[tuple[str, str | None, datetime | None]]:
    """The codes of a pool as (code, label, expires_at aware UTC), in the order to give them out."""
    cursor = connection.cursor()  # of its own: the outbox is being read meanwhile
    cursor.execute(statement("discount_codes"), {"pool": pool, "as_of": in_utc(as_of)})
    while rows := cursor.fetchmany(1_000):
        yield from ((code, label, _aware(expires_at)) for code, label, expires_at in rows)


def cancellations(connection: Any) -> list[tuple[str, str]]:
    """(message_id, reason) of messages that wait although their person has left the journey."""
    return connection.execute("select message_id, reason from decisions.fct_cancellations").fetchall()


def postponements(connection: Any) -> list[tuple[str, str]]:
    """(message_id, reason) of messages that wait while it has become quiet where their person is."""
    return connection.execute("select message_id, reason from decisions.fct_postponements").fetchall()


def next_due_at(connection: Any, as_of: datetime, tick_seconds: int) -> datetime | None:
    values = {
        "as_of": in_utc(as_of),
        "next_look": in_utc(as_of + timedelta(seconds=tick_seconds)),
        "next_patrol": in_utc(as_of + PATROL),
        "patrolled_since": in_utc(as_of - PATROLLED),
        "next_round": in_utc(as_of + ROUND),
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
