"""One person across the house: every id and every address that is theirs, and which rows that makes theirs.

Asked by an id, an account is meant; asked by an address, whoever gave that address. Another account with the
same address is not taken along by its address alone: a household shares one. It is named, so that whoever
asks can ask for it, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from senders.ledger import Ledger
from senders.receipts import address_key
from senders.settings import REPOSITORY

SQL = REPOSITORY / "sql" / "privacy"
ALWAYS = ("0001-01-01", "9999-12-31")
VISITOR = "anon:"
ORDER = "order:"  # before an order's id, among the ids: its lines name nobody else


class UnknownPersonError(LookupError):
    """Nobody goes by that id or address; the text says where was looked."""


# Columns by which a table of dbt's names a person: the first sort of which it has any.
NAMES_BY_ID = ("user_id", "given_id", "from_user_id", "from_id", "linked_id", "person_id")
NAMES_BY_ADDRESS = ("address_key", "email", "address")
TIMES = ("occurred_at", "updated_at", "linked_at", "seen_on")  # by which an id that passed on is told apart


@dataclass(frozen=True)
class Whose:
    """Whose a row of a raw table is, in SQL: `given_id`, `given_at`, and `addresses`, a list."""

    given_id: str
    given_at: str
    addresses: str

    @property
    def is_theirs(self) -> str:
        """The condition, over the table or over rows that are mapped to its columns. A row without a time is
        of whoever ever had the id."""
        return statement("is_theirs").format(given_id=self.given_id, given_at=self.given_at)


@dataclass(frozen=True)
class Person:
    """`spans`: (id as events spell it, from, to) for each id of theirs. `others`: account → addresses of
    theirs that it has, too."""

    who: str
    spans: tuple[tuple[str, str, str], ...]
    addresses: tuple[str, ...]
    others: Mapping[str, list[str]]

    @property
    def ids(self) -> list[str]:
        """Every id once, without the orders'."""
        return sorted({given_id for given_id, _, _ in self.spans if not given_id.startswith(ORDER)})

    @property
    def own_addresses(self) -> list[str]:
        """Those that no other account has."""
        shared = {address for addresses in self.others.values() for address in addresses}
        return [address for address in self.addresses if address not in shared]


@cache
def statement(name: str) -> str:
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")


@cache
def _whose() -> str:
    return statement("whose_rows")


def whose_rows(connection: Any) -> dict[str, Whose]:
    """Raw table → whose its rows are; a table that is not here holds nobody's."""
    return {table: Whose(*parts) for table, *parts in connection.execute(_whose()).fetchall()}


def find(connection: Any, ledger: Ledger, who: str) -> Person:
    """Everything that is `who`'s (a user id, an anonymous id, an address), left in the temporary tables `ids`
    and `addresses` of the connection. Raises UnknownPersonError."""
    begin(connection)
    whose = whose_rows(connection)
    for table, rows in whose.items():
        values = {"given_id": rows.given_id, "addresses": rows.addresses, "table": table, "since": ALWAYS[0]}
        connection.execute(statement("told").format(**values))
    found = [row[0] for row in connection.execute(statement("named"), {"who": who}).fetchall()]
    named = {*found, *_in_ledger(ledger, who)}
    if not named:
        raise UnknownPersonError(
            f"nobody has the id, e-mail address or phone number {who!r}, neither in the warehouse "
            "nor in the ledger"
        )
    add_ids(connection, ((name, *ALWAYS) for name in sorted(named)))
    _follow(connection)
    _add_addresses(connection, ledger)
    connection.execute(statement("strangers"))
    connection.execute(statement("orders").format(mine=whose["shopify_orders"].is_theirs))
    add_events(connection)
    spans = connection.execute(
        "select distinct given_id, valid_from, valid_to from ids order by all"
    ).fetchall()
    others: dict[str, list[str]] = {}
    for given_id, address in connection.execute(statement("others")).fetchall():
        others.setdefault(given_id, []).append(address)
    return Person(
        who,
        tuple((given_id, str(since), str(until)) for given_id, since, until in spans),
        tuple(sorted(row[0] for row in connection.execute("select distinct * from addresses").fetchall())),
        others,
    )


def begin(connection: Any) -> None:
    """Empty `ids`, `addresses`, `event_ids` and `told`."""
    execute_all(connection, "subject")


def execute_all(connection: Any, name: str) -> None:
    """The statements of a file, one after the other."""
    for part in statement(name).split(";"):
        if part.strip():
            connection.execute(part)


def add_ids(connection: Any, spans: Iterable[tuple[str, str, str]]) -> None:
    for span in spans:
        connection.execute(
            "insert into ids values (?, cast(? as timestamp), cast(? as timestamp))", list(span)
        )


def add_events(connection: Any) -> None:
    """The events of the ids, for what names an event and nobody."""
    columns = connection.execute(statement("columns"), {"relation": "staging.int_events"}).fetchall()
    if columns:
        theirs = naming("staging.int_events", [name for (name,) in columns])
        connection.execute(f"insert into event_ids select event_id from staging.int_events where {theirs}")  # noqa: S608


def _follow(connection: Any) -> None:
    """From the ids named to all that are tied to them."""
    if relations(connection) >= {"people.int_identity_spans", "people.int_identity_map"}:
        connection.execute(statement("spans"))
    connection.execute(statement("devices"))


def _add_addresses(connection: Any, ledger: Ledger) -> None:
    connection.execute(statement("reached_at"))
    users = [row[0] for row in connection.execute("select distinct given_id from ids").fetchall()]
    for user_id in users:
        for row in ledger.run("addresses_written_to", {"user_id": user_id}).fetchall():
            connection.execute(
                "insert into addresses select ? where ? not in (from addresses)", [row[0], row[0]]
            )


def _in_ledger(ledger: Ledger, who: str) -> set[str]:
    """Where the warehouse was built anew from less than it had, the ledger still knows whom it wrote to."""
    if ledger.run("messages_of_person", {"user_id": who}).fetchone():
        return {who}
    at_address = ledger.run("people_at_address", {"address_key": address_key(who)}).fetchall()
    return {row["user_id"] for row in at_address}


def naming(relation: str, columns: Sequence[str]) -> str:
    """The condition that a row of a table names the person in one of its columns, while that id was theirs;
    empty: the table names nobody."""
    table = relation.rpartition(".")[2]
    moment = next((f"{table}.{name}" for name in TIMES if name in columns), "ids.valid_from")
    by_id = [
        statement("is_theirs").format(given_id=f"{table}.{name}", given_at=moment)
        for name in NAMES_BY_ID
        if name in columns
    ]
    by_address = [f"{name} in (from addresses)" for name in NAMES_BY_ADDRESS if name in columns]
    by_event = ["event_id in (from event_ids)"] if "event_id" in columns else []
    return " or ".join(by_id or by_address or by_event)


def relations(connection: Any) -> set[str]:
    """Every table and view of the warehouse, with its schema."""
    query = "select table_schema || '.' || table_name from information_schema.tables"
    return {row[0] for row in connection.execute(query).fetchall()}
