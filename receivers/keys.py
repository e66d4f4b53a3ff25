"""Every key that a raw table ever held, as 64 bits: how a duplicate is found however old its first is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from receivers.gate import literal, name
from receivers.warehouse import scalar, statement

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from receivers.feed import Feed

_BEFORE_ALL = "0001-01-01"


def look_for(connection: DuckDBPyConnection, feed: Feed) -> None:
    """Make `used` of what is in `mapped`: file_no, row_number and when rows that may have its key landed."""
    hashed = key_hash(connection, feed)
    connection.execute(statement("keys", keys=_keys(feed)))
    known_until = scalar(connection, f"select max(landed_at) from {_keys(feed)}")  # noqa: S608 declared
    connection.execute(
        statement(
            "keys_catch_up",
            keys=_keys(feed),
            table=feed.table,
            key_hash=hashed,
            known_until=known_until or _BEFORE_ALL,
        )
    )
    connection.execute(statement("keys_used", keys=_keys(feed), key_hash=hashed))


def remember(connection: DuckDBPyConnection, feed: Feed) -> None:
    """Keep the keys of the rows that `verdicts` takes."""
    hashed = key_hash(connection, feed)
    connection.execute(statement("keys_taken", keys=_keys(feed), key_hash=hashed))


def _keys(feed: Feed) -> str:
    """raw.events → keys.events"""
    return f"keys.{feed.table.rpartition('.')[2]}"


def key_hash(connection: DuckDBPyConnection, feed: Feed) -> str:
    """SQL of the key's hash, from the table's own types: 10 and 10.0 are one price.

    Not DuckDB's hash(), which may be another in its next release.
    """
    types = dict(connection.execute(statement("column_types"), {"table": feed.table}).fetchall())
    texts = [f"coalesce(cast(cast({name(key)} as {types[key]}) as varchar), chr(30))" for key in feed.key]
    return f"md5_number_lower(concat_ws({literal(chr(31))}, {', '.join(texts)}))"
