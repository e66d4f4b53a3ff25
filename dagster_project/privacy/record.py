"""A person taken out of the warehouse: what names them goes, what key figures are counted from stays without
them (sql/privacy/kept.sql)."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from dagster_project.privacy import files
from dagster_project.privacy import person as persons
from dagster_project.privacy.intent import Intent
from receivers import keys
from receivers.feed import all_feeds
from receivers.gate import literal
from receivers.rows_of_person import as_word, words_of
from receivers.warehouse import in_utc, transaction
from senders.erased import PREFIX

Mark = Mapping[str, Any]


def remember(connection: Any, intent: Intent) -> None:
    """Put the person into the connection's temporary tables."""
    persons.begin(connection)
    persons.add_ids(connection, intent.spans)
    for address in intent.own_addresses:
        connection.execute("insert into addresses values (?)", [address])
    persons.add_events(connection)


def forget(connection: Any, intent: Intent, marks: Iterable[Mark]) -> dict[str, dict[str, int]]:
    """All of it, or nothing: `removed` and `kept_without_them`, table → rows. Done again it says what it did
    before."""
    persons.execute_all(connection, "erasures")
    known = connection.execute(
        "select receipt from raw.erasures where erasure_id = ?", [intent.erasure_id]
    ).fetchone()
    if known:
        return json.loads(known[0])
    with transaction(connection):
        files.correct_the_books(connection, intent.files)
        done = {"kept_without_them": _keep(connection, intent), "removed": _remove(connection)}
        note(connection, intent.erasure_id, intent.moment, marks, done)
    return done


def forget_again(connection: Any, intent: Intent) -> dict[str, int]:
    """What landed since they were erased; table → rows."""
    with transaction(connection):
        files.correct_the_books(connection, intent.files)
        return _remove(connection)


def note(
    connection: Any, erasure_id: str, at: datetime, marks: Iterable[Mark], receipt: Mapping[str, Any]
) -> None:
    connection.execute(
        "insert into raw.erasures values (?, ?, ?, ?)",
        [erasure_id, in_utc(at), json.dumps(list(marks)), json.dumps(receipt)],
    )


def _keep(connection: Any, intent: Intent) -> dict[str, int]:
    there = persons.relations(connection)
    if not {"decisions.fct_decisions", "people.int_kept_events", "policy.journeys"} <= there:
        return {}  # no tick has run yet
    persons.execute_all(connection, "record")
    changes: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for relation, column, becomes, only in connection.execute(persons.statement("kept")).fetchall():
        changes[relation, only][column] = _expression(column, becomes, intent)
    done: Counter[str] = Counter()
    for (relation, only), columns in changes.items():
        if relation in there:
            done[relation] += _update(connection, relation, only, columns)
    connection.execute(
        "update raw.ledger_journal set address_key = null where address_key in (from addresses)"
    )
    return {relation: count for relation, count in done.items() if count}


def _expression(column: str, becomes: str, intent: Intent) -> str:
    salted = f"{literal(PREFIX)} || md5({literal(intent.as_name.salt)} || {column})"
    of_catalogue = f"{column} in (select product_id from people.dim_products)"  # noqa: S608
    expressions = {
        "person": literal(intent.as_name.name),
        "nothing": "null",
        "thing": f"case when {of_catalogue} then {column} else {salted} end",
        "thing of theirs": f"case when {column} in (from event_ids) then {salted} else {column} end",
    }
    return expressions.get(becomes, literal(becomes))


def _update(connection: Any, relation: str, only: str, columns: Mapping[str, str]) -> int:
    has = _columns(connection, relation)
    sets = ", ".join(f"{name} = {value}" for name, value in columns.items() if name in has)
    theirs = persons.naming(relation, has)
    return _changed(connection, f"update {relation} set {sets} where ({theirs}) and {only}")  # noqa: S608


def _remove(connection: Any) -> dict[str, int]:
    """What landed with its keys, and every table of dbt's that still names them."""
    done: dict[str, int] = {}
    there = persons.relations(connection)
    for table, rows in persons.whose_rows(connection).items():
        _forget_keys(connection, table, rows.is_theirs, there)
        done[f"raw.{table}"] = _changed(connection, f"delete from raw.{table} where {rows.is_theirs}")  # noqa: S608
    words = words_of(connection)
    pattern = literal(as_word(words))
    query = f"delete from raw.quarantine where regexp_matches(coalesce(line, ''), {pattern})"  # noqa: S608
    done["raw.quarantine"] = _changed(connection, query) if words else 0
    for relation, names in connection.execute(persons.statement("tables")).fetchall():
        if condition := persons.naming(relation, names):
            done[relation] = _changed(connection, f"delete from {relation} where {condition}")  # noqa: S608
    return {relation: count for relation, count in done.items() if count}


def _forget_keys(connection: Any, table: str, is_theirs: str, there: set[str]) -> None:
    """A key's hash would prove a guess at an event."""
    feed = next(feed for feed in all_feeds() if feed.table == f"raw.{table}")
    if f"keys.{table}" in there:
        connection.execute(
            f"delete from keys.{table} where key_hash in "  # noqa: S608
            f"(select {keys.key_hash(connection, feed)} from raw.{table} where {is_theirs})"
        )


def _columns(connection: Any, relation: str) -> list[str]:
    rows = connection.execute(persons.statement("columns"), {"relation": relation}).fetchall()
    return [name for (name,) in rows]


def _changed(connection: Any, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])


def compact(path: Path) -> None:
    """The file without what deleted rows leave in it: DuckDB marks blocks as free and does not clear them."""
    import duckdb

    part = path.with_name(f".{path.name}.part")
    for old in (part, part.with_name(f"{part.name}.wal")):
        old.unlink(missing_ok=True)
    with duckdb.connect() as database:
        database.execute(f"attach {literal(str(path))} as old")
        database.execute(f"attach {literal(str(part))} as new")
        database.execute("copy from database old to new")
        database.execute("detach old")
        database.execute("detach new")  # with all of it in the file, and none in a log beside it
    part.replace(path)
