"""From rows as they came (`arrived`) to rows as the raw table wants them, judged (`mapped`).

A feed's declaration becomes two statements of SQL: one looks every path up in one pass over the
document, one works out columns and what is judged. Between them phone numbers are read in Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from receivers.feed import GIVEN, Feed
from receivers.gate import failed, literal, name
from receivers.phones import read_phone
from receivers.warehouse import insert_rows, statement

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def map_arrived(connection: DuckDBPyConnection, feed: Feed, source: str) -> None:
    """Make the temporary table `mapped` of the rows in `arrived`; `source` is the feed they came by.

    It has file_no, row_number, unreadable, every column of the raw table, every judged one, the JSON
    types as `given.<name>`, `also_doc`, and the rules that a row fails as bits of `failed`. Reads the
    session variables landed_at and latest.
    """
    connection.execute(_given(feed, source))
    _read_phones(connection, feed)
    connection.execute(_mapped(feed))


def _given(feed: Feed, source: str) -> str:
    paths = list(dict.fromkeys(path for given in feed.given.values() for path in given))
    places = {path: place for place, path in enumerate(paths, start=1)}
    # A path into an object does not use the object up.
    used = ", ".join(f'"{path[2:]}":null' for path in paths if "." not in path[2:])
    return statement(
        "given",
        paths=", ".join(literal(path) for path in paths),
        used=literal("{" + used + "}"),
        source=literal(source),
        columns=", ".join(
            _alternatives(given, [places[path] for path in at]) for given, at in feed.given.items()
        ),
    )


def _alternatives(given: str, places: list[int]) -> str:
    """The first of several paths where something is, and its JSON type ('NULL': there, but null)."""
    texts = ", ".join(f"texts[{place}]" for place in places)
    types = ", ".join(
        [f"nullif(types[{place}], 'NULL')" for place in places] + [f"types[{place}]" for place in places]
    )
    return f"coalesce({texts}) as {name(given)}, coalesce({types}) as {name(GIVEN + given)}"


def _read_phones(connection: DuckDBPyConnection, feed: Feed) -> None:
    connection.execute(statement("phone_numbers"))
    if not feed.phones:
        return
    pairs = [(name(phone["number"]), name(phone["country"])) for phone in feed.phones]
    numbers = " union ".join(
        f"select distinct {number}, {country} from given where {number} is not null"  # noqa: S608 declared names
        for number, country in pairs
    )
    found = connection.execute(numbers).fetchall()
    rows = ((number, country, *read_phone(number, country)) for number, country in found)
    insert_rows(connection, "phone_numbers", ["varchar"] * 5, rows)


def _mapped(feed: Feed) -> str:
    candidates = range(len(feed.phones))
    joins = " ".join(
        f"left join phone_numbers as p{place} on p{place}.number = given.{name(phone['number'])}"
        f" and p{place}.country_given is not distinct from given.{name(phone['country'])}"
        for place, phone in enumerate(feed.phones)
    )
    first = {
        column: f"coalesce({', '.join(f'p{place}.{column}' for place in candidates)})"
        if feed.phones
        else "null"
        for column in ("phone_e164", "phone_country", "phone_time_zones")
    }
    also = f"case when {feed.also.when} then {feed.also.record} end" if feed.also else "null"
    worked_out = {**feed.columns, **feed.judged, "also_doc": also}
    return statement(
        "mapped",
        phones=", ".join(f"{sql} as {column}" for column, sql in first.items()),
        joins=joins,
        types=", ".join(name(GIVEN + given) for given in feed.given),
        columns=", ".join(f"{sql} as {name(column)}" for column, sql in worked_out.items()),
        failed=failed(feed),
    )
