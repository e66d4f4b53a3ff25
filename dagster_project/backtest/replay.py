"""The replay: the models run at every moment at which something can change, and at no other.

A model is run again when one of its inputs has changed or when the clock may have turned its answer
(see `clockwork`); otherwise its table stands. `exhaustive` leaves no model and no moment out: that is what
the tests hold the quick way against.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagster_project.backtest.clockwork import Clockwork
from dagster_project.backtest.landed import Landed, statement
from dagster_project.backtest.models import BEFORE, CLOCK, Model, Project, at
from dagster_project.backtest.plan import NEVER, Plan
from receivers.warehouse import in_utc, open_warehouse, transaction

DECISIONS = "decisions.fct_decisions"
JOURNAL = "raw.ledger_journal"
SEEN = re.compile(r"'seen ((\w+\.\w+)\.(\w+))'")
Progress = Callable[[datetime], None]


@contextmanager
def replayed(project: Project, plan: Plan, folder: Path, progress: Progress) -> Iterator[Replay]:
    """The finished replay in a new warehouse below `folder`, open until the end of the block.

    Raises LockedError while a tick does not end, DbtRunError and DbtProjectError in dbt's words.
    """
    there = replace(project.settings, home=folder)
    connection = open_warehouse(there)
    landed = Landed.copy(project.settings, connection, plan)
    landed.land(None, plan.first)
    connection.close()
    models = project.build(folder, plan.first, plan.last)
    landed.connection = connection = open_warehouse(there)
    try:
        replay = Replay(connection, plan, landed, models)
        replay.run(progress)
        yield replay
    finally:
        connection.close()


class Replay:
    """A replay in its scratch warehouse. `moments` and `queries` say what it took."""

    def __init__(self, connection: Any, plan: Plan, landed: Landed, models: list[Model]) -> None:
        self.connection = connection
        self.plan = plan
        self.landed = landed
        self.models = [model for model in models if model.kind != "view"]
        self._every_tick = [model for model in self.models if not model.is_hourly]
        self._hourly = [model for model in self.models if model.is_hourly and plan.audits]
        self.moments, self.queries = 1, 0
        self._views = {model.name: model for model in models if model.kind == "view"}
        self._reads = {model.name: self._relations(model) for model in self.models}
        self._columns = self._types()
        self._versions: dict[str, int] = {}
        self._seen: dict[str, list[int]] = {}
        self._digests: dict[str, Any] = {}
        self._turns: dict[str, datetime | None] = {}
        self._clockwork = Clockwork(connection, models, self._minutes())

    def build(self) -> None:
        """The first moment, in tables that are there and empty, where dbt did not build it."""
        for view in self._views.values():
            self._make(view, self.plan.first)
        self._run(self._every_tick, self.plan.first)

    def run(self, progress: Progress) -> None:
        """From the moment that was built to the last."""
        now = self.plan.first
        for model in self.models:
            self._note(model, now)
        for model in self._hourly:
            self._seen[model.name] = []  # dbt made it empty, as it is before the first audit
        self._imagine(now)
        while (then := self._next(now)) <= self.plan.last:
            with transaction(self.connection):
                self._tick(now, then)
            self.moments += 1
            now = then
            progress(now)

    def _next(self, now: datetime) -> datetime:
        following = self.plan.after(now)
        if self.plan.exhaustive or any(map(self._has_news, self._every_tick)):
            return following
        turns = [
            self.plan.tick_at(turn) for model in self._every_tick if (turn := self._turns.get(model.name))
        ]
        if landing := self.landed.next_landing():
            turns.append(self.plan.tick_at(landing.replace(tzinfo=UTC)))
        for model in self._hourly:
            turn = following if self._has_news(model) else self._turns.get(model.name)
            if turn and turn <= self.plan.last:
                turns.append(self._next_audit(max(following, self.plan.tick_at(turn))))
        return max(following, min(turns, default=NEVER))

    def _next_audit(self, tick: datetime) -> datetime:
        while not self.plan.audited(tick):
            tick += self.plan.every
        return tick

    def _tick(self, before: datetime, now: datetime) -> None:
        for relation in self.landed.land(before, now):
            self._bump(relation)
        decided = self._versions.get(DECISIONS)
        self._run(self._every_tick, now)
        if self._versions.get(DECISIONS) != decided:
            self._imagine(now)
        if self.plan.audited(now):
            self._run(self._hourly, now)

    def _run(self, models: Iterable[Model], now: datetime) -> None:
        for model in models:
            turn = self._turns.get(model.name)
            if self.plan.exhaustive or self._has_news(model) or (turn and self.plan.tick_at(turn) <= now):
                self._query(model, now)
                self._note(model, now)

    def _query(self, model: Model, now: datetime) -> None:
        """What a tick would do with the model."""
        self.queries += 1
        for view in self._views_of(model):
            if view.reads_the_clock or SEEN.search(view.sql):
                self._make(view, now)
        columns = self._columns[model.name]
        cast = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in columns)
        query = f"select {cast} from ({self._filled(model.sql, now)})"  # noqa: S608 dbt's own SQL
        if model.kind == "append":
            if self.connection.execute(f"insert into {model.name} {query}").fetchone()[0]:
                self._bump(model.name)
        elif model.kind == "table":
            self.connection.execute(f"create or replace table {model.name} as {query}")
        else:
            self._renew(model.name, query)
        mark = f"staging.{model.name.split('.')[1]}_read_until"
        if mark in self._columns:
            self.connection.execute(f"update {mark} set read_until = ?", [in_utc(now)])  # noqa: S608

    def _make(self, view: Model, now: datetime) -> None:
        self.connection.execute(f"create or replace view {view.name} as {self._filled(view.sql, now)}")

    def _renew(self, name: str, query: str) -> None:
        self.connection.execute(f"create or replace temp table renewed as {query}")
        if self.connection.execute("select 1 from renewed limit 1").fetchone():
            self.connection.execute(f"create or replace table {name} as from renewed")

    def _note(self, model: Model, now: datetime) -> None:
        """Remember what the model has seen and when it must look again."""
        if model.kind != "append":
            digest = self.connection.execute(
                f"select count(*), sum(hash(each)) from {model.name} as each"  # noqa: S608
            ).fetchone()
            if self._digests.get(model.name) != digest:
                self._digests[model.name] = digest
                self._bump(model.name)
        self._seen[model.name] = self._now_reads(model)
        if model.name in self._clockwork.clocks and not self.plan.exhaustive:
            following = in_utc(self.plan.after(now))
            turn = self._clockwork.next_turn(model.name, in_utc(now), following)
            self._turns[model.name] = turn and turn.replace(tzinfo=UTC)

    def _imagine(self, now: datetime) -> None:
        if self.landed.imagine(now):
            self._bump(JOURNAL)

    def _has_news(self, model: Model) -> bool:
        return self._seen.get(model.name) != self._now_reads(model)

    def _now_reads(self, model: Model) -> list[int]:
        return [self._versions.get(name, 0) for name in self._reads[model.name]]

    def _bump(self, relation: str) -> None:
        self._versions[relation] = self._versions.get(relation, 0) + 1

    def _filled(self, sql: str, now: datetime) -> str:
        """The SQL as dbt would have written it at `now`."""
        for mark, relation, column in set(SEEN.findall(sql)):
            query = f"select max({column}) from {relation}"  # noqa: S608
            (newest,) = self.connection.execute(query).fetchone()
            sql = sql.replace(f"seen {mark}", at(newest) if newest else "0001-01-01 00:00:00")
        return sql.replace(BEFORE, at(self.plan.before(now))).replace(CLOCK, at(now))

    def _relations(self, model: Model) -> list[str]:
        """The tables that the model reads, through views."""
        views = list(self._views_of(model))
        names = {name for each in (model, *views) for name in each.inputs}
        return sorted(names - {view.name for view in views})

    def _views_of(self, model: Model) -> Iterator[Model]:
        """The views that its query runs, the innermost first."""
        for name in model.inputs:
            if name in self._views:
                yield from self._views_of(self._views[name])
                yield self._views[name]

    def _types(self) -> dict[str, list[tuple[str, str]]]:
        columns: dict[str, list[tuple[str, str]]] = {}
        for relation, name, kind in self.connection.execute(statement("columns")).fetchall():
            columns.setdefault(relation, []).append((name, kind))
        return columns

    def _minutes(self) -> list[int]:
        return [minute for (minute,) in self.connection.execute(statement("policy_minutes")).fetchall()]
