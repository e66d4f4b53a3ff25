"""A scratch warehouse as the real one stood just before a tick, with a few people in it and nobody else.

What follows from what landed the models work out again. What was decided, drawn and sent before is
history and copied; so is what became of each message afterwards, which lands where the replay sends the
same message at the same tick. The policy and the hourly models are those of today.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagster_project.backtest import kept
from dagster_project.backtest.landed import JOURNAL, Landed, attached, copy_tables, statement
from dagster_project.backtest.models import SELECTED, Model
from dagster_project.backtest.plan import RecordedPlan
from dagster_project.backtest.replay import Progress, Replay
from dagster_project.counterfactual.changes import ChangeError
from receivers.warehouse import in_utc, open_warehouse
from senders.settings import Settings

READER = "dovecote explain"
MARK = "_read_until"
PEOPLE = ("ids", "event_ids", "addresses")


@dataclass(frozen=True)
class Fork:
    """The prepared file. `plan`: the ticks that ran from `first` until every step in question was settled."""

    warehouse: Path
    models: list[Model]
    plan: RecordedPlan
    people: int


class Answered(Landed):
    """What landed, and for messages that go out as they did on the record, what became of them."""

    def imagine(self, as_of: datetime) -> bool:
        values = {"as_of": in_utc(as_of)}
        if self.connection.execute(statement("fork/answer"), values).fetchone()[0]:
            self._next[JOURNAL] = self._first_after(JOURNAL, in_utc(as_of))
        return super().imagine(as_of)


def fork(
    settings: Settings, user_id: str, first: datetime, until: datetime, folder: Path, *, everybody: bool
) -> Fork:
    """Copy what stood before the tick `first`, and what landed until all was settled after `until`.

    Raises LockedError, DbtRunError and DbtProjectError.
    """
    models = _models(settings, first, until)
    connection = open_warehouse(replace(settings, home=folder))
    try:
        connection.execute("create schema landed")
        with attached(settings, connection, READER):
            plan = _plan(connection, first, until)
            _copy_people(connection, user_id, everybody)
            _copy_landed(connection, first, plan.last)
            _make_tables(connection, {model.name: model for model in models}, first)
        (people,) = connection.execute("select count(*) from landed.people").fetchone()
    finally:
        connection.close()
    return Fork(folder / "warehouse.duckdb", models, plan, people)


def replayed(
    settings: Settings, here: Fork, warehouse: Path, suppose: Callable[[Any], None], progress: Progress
) -> Replay:
    """The ticks of the fork decided again in `warehouse`, a copy of its file; `suppose` changes what it will
    before. Whoever asks closes its connection."""
    connection = open_warehouse(replace(settings, home=warehouse.parent))
    connection.execute("set threads = 1")  # a few rows each: more of them would wait for each other
    tables = connection.execute("select table_name from landed.tables").fetchall()
    suppose(connection)
    landed = Answered.of(connection, [table for (table,) in tables])
    landed.land(None, here.plan.first)
    replay = Replay(connection, here.plan, landed, here.models)
    replay.build()
    replay.run(progress)
    return replay


def _models(settings: Settings, first: datetime, until: datetime) -> list[Model]:
    def prepare(folder: Path) -> None:
        """Empty tables: dbt then compiles what grows as it does in every tick but the first."""
        connection = open_warehouse(replace(settings, home=folder))
        with attached(settings, connection, READER):
            _make_tables(connection, {}, first)
        connection.close()

    return kept.compiled(settings, "decisions", first, until, SELECTED, prepare)


def _plan(connection: Any, first: datetime, until: datetime) -> RecordedPlan:
    values = {"first": in_utc(first), "until": in_utc(until)}
    rows = connection.execute(statement("fork/ticks"), values).fetchall()
    earlier, *ticks = (as_of.replace(tzinfo=UTC) for (as_of,) in rows)
    return RecordedPlan(ticks[0], ticks[-1], ticks=tuple(ticks), earlier=earlier)


def _copy_people(connection: Any, user_id: str, everybody: bool) -> None:
    if everybody:
        connection.execute(statement("fork/everybody"))
    else:
        connection.execute(statement("fork/people"), {"user_id": user_id})
    for name in PEOPLE:
        connection.execute(statement(f"fork/{name}"))


def _copy_landed(connection: Any, first: datetime, last: datetime) -> None:
    whose = dict(connection.execute(statement("fork/whose_rows")).fetchall())
    tables = copy_tables(connection, last, whose=whose)
    connection.execute("create table landed.tables as select unnest(?) as table_name", [tables])
    connection.execute(statement("fork/recorded"), {"first": in_utc(first)})
    for name in ("facts", "answers"):
        connection.execute(statement(f"fork/{name}"), {"until": in_utc(last)})


def _make_tables(connection: Any, models: Mapping[str, Model], first: datetime) -> None:
    """Every table of the warehouse; of those that no model works out again, with the rows of the people."""
    record = dict(connection.execute(statement("fork/record")).fetchall()) if models else {}
    tables = connection.execute(statement("fork/tables")).fetchall()
    if unknown := {model.name for model in models.values() if model.kind != "view"} - dict(tables).keys():
        raise ChangeError(
            f"no tick has built {', '.join(sorted(unknown))} yet: run one (`dovecote tick`) and ask again"
        )
    for relation, names_people in tables:
        condition = record.get(relation) or _condition(relation, models, names_people)
        values = {"first": in_utc(first)} if "$first" in condition else None
        connection.execute(f"create schema if not exists {relation.split('.')[0]}")
        connection.execute(
            f"create table {relation} as from source.{relation} where {condition}",
            values,
        )
        if relation.endswith(MARK):
            connection.execute(f"insert into {relation} values (null)")  # noqa: S608


def _condition(relation: str, models: Mapping[str, Model], names_people: bool) -> str:
    if relation.startswith("policy."):
        return "true"
    if relation in models and models[relation].is_hourly:
        return "user_id in (select user_id from landed.people)" if names_people else "true"
    return "false"


def decisions(replay: Replay, entry_id: str) -> dict[str, list[dict[str, Any]]]:
    """Step → its decisions in the replay, in order: decided_at (aware UTC), outcome, reason, gates, channel,
    blocking_id."""
    cursor = replay.connection.execute(statement("fork/decisions_of_entry"), {"entry_id": entry_id})
    names: Sequence[str] = [column[0] for column in cursor.description]
    found: dict[str, list[dict[str, Any]]] = {}
    for row in cursor.fetchall():
        decision = dict(zip(names, row, strict=True))
        decision["decided_at"] = decision["decided_at"].replace(tzinfo=UTC)
        decision["gates"] = json.loads(decision["gates"])
        found.setdefault(decision.pop("step"), []).append(decision)
    return found
