"""The ledger's journal, copied into the warehouse at the start of each tick."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from receivers.warehouse import in_utc, insert_rows, scalar, statement, transaction

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Columns of raw.ledger_journal that are not text; the rest is. The order is the table's, without copied_at.
_COLUMNS = 22
_TYPES = {0: "bigint", 1: "timestamp", 6: "boolean"}


def journal_position(connection: DuckDBPyConnection) -> int:
    """The last `seq` that was copied; 0 before the first copy."""
    return int(scalar(connection, "select coalesce(max(seq), 0) from raw.ledger_journal"))


def copy_journal(connection: DuckDBPyConnection, rows: Iterable[Sequence[Any]], now: datetime) -> int:
    """Copy what `Ledger.journal_since(journal_position(connection), …)` yields; returns how many rows.

    A row has the columns of raw.ledger_journal in their order, without copied_at; times are ISO texts
    or datetimes in UTC. All rows are copied or none; one that is there already is left alone.
    """
    types = [_TYPES.get(place, "varchar") for place in range(_COLUMNS)]
    with transaction(connection):
        connection.execute(statement("journal_arrived"))
        insert_rows(connection, "journal_arrived", types, rows)
        return int(scalar(connection, statement("copy_journal"), [in_utc(now)]))
