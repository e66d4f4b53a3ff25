"""Erased people stay erased: what lands about them later is taken out again before any model sees it, and
what one store has forgotten, because it was restored from an older backup, it learns from the other."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from dagster_project import warehouse
from dagster_project.privacy import erasing, intent, record
from dagster_project.privacy import person as persons
from dagster_project.privacy.person import ALWAYS
from receivers.warehouse import in_utc
from senders import erased as erasure
from senders.erased import PREFIX, Erased, Pseudonym
from senders.ledger import Ledger
from senders.settings import Settings
from senders.store import to_text

WORD = re.compile(r"[^\s\"',:;{}\[\]()<>=]+")


def keep_out(settings: Settings, now: datetime) -> int:
    """After everything that landed was taken in; how many rows were taken out again. Costs a look at two
    empty tables while nobody is erased. Raises ErasureSecretError."""
    with Ledger(settings.ledger) as ledger, warehouse.opened(settings) as connection:
        persons.execute_all(connection, "erasures")
        here = dict(connection.execute("select erasure_id, marks from raw.erasures").fetchall())
        there = {row["erasure_id"] for row in ledger.run("erasures").fetchall()}
        for erasure_id in here.keys() - there:
            _learn(ledger, connection, erasure_id, json.loads(here[erasure_id]), now)
        if here.keys() - there:
            _erase_from_ledger(ledger, Erased(ledger, settings), now)
        erased = Erased(ledger, settings)
        if not erased.marks:
            return 0
        since = ALWAYS[0] if there - here.keys() else _looked_through(connection)
        found = _find(connection, erased, since)
        plan = _plan(settings, connection, found, since) if any(found) else None
        newest = connection.execute("select max(landed_at) from raw.manifest").fetchone()[0]
    removed = erasing.carry_out(settings, plan)["rows"] if plan else 0
    with Ledger(settings.ledger) as ledger, warehouse.opened(settings) as connection:
        for erasure_id in there - here.keys():
            record.note(connection, erasure_id, now, erasing.marks_of(ledger, erasure_id), {})
        connection.execute("delete from raw.looked_through")
        connection.execute("insert into raw.looked_through values (coalesce(?, ?))", [newest, in_utc(now)])
    return removed


def _looked_through(connection: Any) -> str:
    (until,) = connection.execute("select max(landed_at) from raw.looked_through").fetchone()
    return str(until or ALWAYS[0])


def _find(connection: Any, erased: Erased, since: str) -> tuple[list[str], list[str]]:
    """The ids and addresses of erased people in what landed since, also of a new account."""
    persons.begin(connection)
    for table, rows in persons.whose_rows(connection).items():
        values = {"given_id": rows.given_id, "addresses": rows.addresses, "table": table, "since": since}
        connection.execute(persons.statement("told").format(**values))
    ids, addresses = set(), set()
    for given_id, address in connection.execute("select given_id, address_key from told").fetchall():
        is_theirs = bool(address) and erased.has_address(address)
        if is_theirs:
            addresses.add(address)
        if is_theirs or erased.has_id(given_id):
            ids.add(given_id)
    for word in _refused_words(connection, since):
        ids |= {given for given in (word, f"{persons.VISITOR}{word}") if erased.has_id(given)}
        addresses |= {word.lower()} if erased.has_address(word) else set()
    return sorted(ids), sorted(addresses)


def _refused_words(connection: Any, since: str) -> set[str]:
    """What stands in lines that no feed could read."""
    query = "select line from raw.quarantine where line is not null and landed_at >= cast(? as timestamp)"
    lines = connection.execute(query, [since]).fetchall()
    return {word for (line,) in lines for word in WORD.findall(line)}


def _plan(
    settings: Settings, connection: Any, found: tuple[list[str], list[str]], since: str
) -> intent.Intent:
    """On the disk before a file is touched; no erasure of its own, and no receipt."""
    ids, addresses = found
    paths = connection.execute(persons.statement("landed_since"), {"since": since}).fetchall()
    spans = tuple((given_id, *ALWAYS) for given_id in ids)
    again = persons.Person("", spans, tuple(addresses), {})
    return intent.begin(settings.home, again, datetime.now(UTC), only=[path for (path,) in paths])


def _learn(
    ledger: Ledger, connection: Any, erasure_id: str, marks: Iterable[dict[str, Any]], now: datetime
) -> None:
    """An erasure that the ledger has forgotten."""
    (receipt,) = connection.execute(
        "select receipt from raw.erasures where erasure_id = ?", [erasure_id]
    ).fetchone()
    kept = {"erasure_id": erasure_id, "erased_at": now.isoformat(), "warehouse": json.loads(receipt)}
    with ledger.transaction():
        for mark in marks:
            ledger.change("mark_erased", {**mark, "now": to_text(now)})
        ledger.run(
            "keep_erasure", {"erasure_id": erasure_id, "now": to_text(now), "receipt": json.dumps(kept)}
        )


def _erase_from_ledger(ledger: Ledger, erased: Erased, now: datetime) -> None:
    """Whoever is marked and stands in the ledger all the same."""
    ids, addresses = set(), set()
    for row in ledger.run("people_written_to").fetchall():
        if erased.has_address(row["address_key"]):
            addresses.add(row["address_key"])
            ids.add(row["user_id"])
        if erased.has_id(row["user_id"]):
            ids.add(row["user_id"])
    for user_id in sorted(ids - {""}) or [""]:  # a name each: nothing says that two of them are one
        name = Pseudonym(f"{PREFIX}{secrets.token_hex(16)}", secrets.token_hex(16))
        with ledger.transaction():
            erasure.erase(ledger, [user_id], sorted(addresses), name, now)
