"""Between a backup of the ledger and its loss it sent messages that it does not know of once restored. The
warehouse's copy of the journal knows most of them: it gives them back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from receivers import journal
from receivers.warehouse import scalar, statement
from senders import restored
from senders.ledger import Ledger
from senders.restored import Timeline
from senders.store import to_text


class LedgerBehindError(RuntimeError):
    """The ledger knows less than it has told before; the text says what to do."""


def give_back(connection: Any, ledger: Ledger) -> int:
    """Tell a restored ledger what it did in the time that it lost, and let it tell anew; how many rows.

    Raises LedgerBehindError where a backup was put in place and nobody said so: every message of the lost
    time would be sent again.
    """
    given = sum(_give_back(connection, ledger, each) for each in restored.timelines(ledger))
    here, there = journal.journal_position(connection), ledger.last_seq()
    if here > there:
        raise LedgerBehindError(
            f"the ledger {ledger.place} ends at its row {there} and told this warehouse of {here}: it was "
            "restored from a backup. Say `dovecote restore`, which holds back what may have been sent since, "
            "or put the newer ledger in its place."
        )
    return given


def _give_back(connection: Any, ledger: Ledger, timeline: Timeline) -> int:
    span = {"last_seq": timeline.last_seq, "first_seq": timeline.first_seq}
    rows = list(_rows(connection, "lost_rows", span))
    if rows:
        has_outbox = scalar(
            connection, "select count(*) from information_schema.tables where table_name = 'fct_outbox'"
        )
        messages = _rows(connection, "lost_messages", span) if has_outbox else ()
        restored.learn(ledger, rows, [_as_planned(row) for row in messages])
        # Only now: killed in between, it is told again, which changes nothing.
        connection.execute(statement("forget_lost"), span)
    return len(rows)


def _as_planned(row: Mapping[str, Any]) -> dict[str, Any]:
    times = {"due_at": "due_at", "expires_at": "expires_at", "now": "planned_at"}
    kept = {name: value for name, value in row.items() if not isinstance(value, datetime)}
    return kept | {name: to_text(row[column]) for name, column in times.items()}


def _rows(connection: Any, name: str, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    cursor = connection.execute(statement(name), values)
    names = [column[0] for column in cursor.description]
    for row in cursor.fetchall():
        yield {name: _aware(value) for name, value in zip(names, row, strict=True)}


class Doubtful:
    """Which rows of the outbox, unknown to a restored ledger, may have been sent by the one that is lost:
    they are planned as held. Where no ledger was ever restored, none is and nothing is done."""

    def __init__(self, connection: Any, ledger: Ledger, rows: Iterable[Mapping[str, Any]]) -> None:
        self._rows = rows
        self._ledger = ledger
        known = restored.timelines(ledger)
        self._last = known[-1] if known else None
        self._moment = _moment(connection, known[-1]) if known else ""
        self._ids: list[str] = []

    def rows(self) -> Iterator[Mapping[str, Any]]:
        for row in self._rows:
            if self._last and row[self._moment] <= self._last.restored_at:
                self._ids.append(row["message_id"])
            yield row

    @contextmanager
    def held_together(self, now: datetime) -> Iterator[None]:
        """Nobody sends what is planned in the block before what is doubtful of it is held."""
        if self._last is None:
            yield
            return
        with self._ledger.transaction():
            yield
            restored.hold(self._ledger, self._ids, now)

    def facts(self) -> dict[str, int]:
        return {"held_back": len(self._ids)} if self._ids else {}


def _moment(connection: Any, timeline: Timeline) -> str:
    """By which of its times a row is older than the restoring: when it was decided; or, where this warehouse
    has no record of the lost time itself, when it was due, because it may be decided once more."""
    since = timeline.known_until or datetime.min.replace(tzinfo=UTC)
    span = [since.replace(tzinfo=None), timeline.restored_at.replace(tzinfo=None)]
    ticks = scalar(connection, "select count(*) from raw.ticks where as_of > ? and as_of <= ?", span)
    return "decided_at" if ticks else "due_at"


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
