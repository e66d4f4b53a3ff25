"""The decisions' models as plain SQL: compiled by dbt once, run for any moment without it.

dbt builds the first moment itself, so that tables, types, seeds and the published policy are its own.
Then it compiles every model once more with two placeholders: the clock, and how far a growing table has
come. Filled in, the text is letter for letter what a tick would run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from dagster_project import home, manifest
from dagster_project.dbt_run import DbtRunError, close_warehouse
from senders.settings import Settings

CLOCK = "1904-04-04 04:04:04.040404"  # stands for `as_of`: a time that no model and no data names
ASKED_ONCE = Path(__file__).with_name("asked_once.jinja")
MACRO = re.compile(r"{% macro (\w+)\(.*?endmacro %}", re.DOTALL)
SELECTED = ("+fct_decisions", "channel_costs")
HOURLY = "hourly"
BEFORE = "the look before"  # stands for the tick before this one


@dataclass(frozen=True)
class Model:
    """A model of the project. `name` and `inputs` are `schema.table`; `kind`: view, table, append or renew.

    A renewed table is replaced where the model gives rows, and stays where it gives none.
    """

    name: str
    kind: str
    sql: str
    inputs: tuple[str, ...]
    is_hourly: bool = False

    @property
    def reads_the_clock(self) -> bool:
        return CLOCK in self.sql


@dataclass(frozen=True)
class Project:
    """A dbt project and the variables that a tick of these settings hands it."""

    settings: Settings
    folder: Path = home.DBT_PROJECT
    variables: tuple[tuple[str, Any], ...] = ()

    def build(self, scratch: Path, first: datetime, last: datetime) -> list[Model]:
        """Build the decisions at `first` in the warehouse of `scratch`; the models, in the order of a run, as
        they are from then until `last`.

        The raw tables must be there. Raises DbtRunError in dbt's words, DbtProjectError.
        """
        with self._dbt(scratch) as there:
            parsed = self._manifest(there)
            _invoke(parsed, self._command(there, "build", at(first), SELECTED, f"tag:{HOURLY}"))
            return self._compiled(parsed, there, SELECTED, first, last)

    def compile(self, scratch: Path, first: datetime, last: datetime, *selected: str) -> list[Model]:
        """The models that dbt's `selected` names, as they are in that time; nothing is built."""
        with self._dbt(scratch) as there:
            return self._compiled(self._manifest(there), there, selected, first, last)

    @contextmanager
    def _dbt(self, scratch: Path) -> Iterator[Settings]:
        """dbt works below `scratch` in this block."""
        there = replace(self.settings, home=scratch)
        home.export(there)
        try:
            yield there
        finally:
            close_warehouse()
            home.export(self.settings)

    def _compiled(
        self, parsed: Any, there: Settings, selected: Sequence[str], first: datetime, last: datetime
    ) -> list[Model]:
        _answer_once(parsed, {"FIRST": at(first), "LAST": at(last)})
        compiled = _invoke(parsed, self._command(there, "compile", CLOCK, selected))
        nodes = [each.node for each in compiled.results if each.node.resource_type == "model"]
        return _in_order(nodes, parsed)

    def _manifest(self, there: Settings) -> Any:
        if self.folder == home.DBT_PROJECT and not self.variables:
            return manifest.manifest(self.settings)
        return _invoke(None, ["parse", *self._options(there, CLOCK)])

    def _command(
        self, there: Settings, word: str, as_of: str, selected: Sequence[str], *without: str
    ) -> list[str]:
        without = ("--exclude", "resource_type:test", "resource_type:unit_test", *without)
        return [word, "--select", *selected, *without, *self._options(there, as_of)]

    def _options(self, there: Settings, as_of: str) -> list[str]:
        variables = {
            "as_of": as_of,
            "shop_url": self.settings.shop_url,
            "channels": sorted(self.settings.routes),
            **dict(self.variables),
        }
        return [
            *manifest.arguments(there, there.home / "dbt" / "target"),
            *("--project-dir", str(self.folder), "--profiles-dir", str(self.folder)),
            *("--vars", json.dumps(variables), "--no-write-json", "--no-use-colors"),
        ]


def at(moment: datetime) -> str:
    """As the macro `as_of` writes a moment."""
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def _invoke(parsed: Any, command: Sequence[str]) -> Any:
    from dbt.cli.main import dbtRunner

    done = dbtRunner(parsed).invoke(list(command))
    if not done.success:
        failed = [str(each.message) for each in getattr(done.result, "results", []) if each.message]
        raise DbtRunError(f"dbt {command[0]} failed: {done.exception or failed}")
    return done.result


def _answer_once(parsed: Any, words: Mapping[str, str]) -> None:
    """Put the macros of asked_once.jinja in the place of their namesakes, where the project has them."""
    text = re.sub("|".join(words), lambda word: words[word[0]], ASKED_ONCE.read_text())
    for found in MACRO.finditer(text):
        for package in ("dovecote", "dbt"):
            if macro := parsed.macros.get(f"macro.{package}.{found[1]}"):
                macro.macro_sql = found[0]


def _in_order(nodes: Iterable[Any], parsed: Any) -> list[Model]:
    names = {node.unique_id: f"{node.schema}.{node.alias}" for node in parsed.nodes.values()}
    names |= {source.unique_id: f"{source.schema}.{source.identifier}" for source in parsed.sources.values()}
    models = {
        names[node.unique_id]: Model(
            names[node.unique_id],
            (node.config.incremental_strategy or "append")
            if node.config.materialized == "incremental"
            else node.config.materialized,
            node.compiled_code,
            tuple(sorted({names[each] for each in node.depends_on.nodes})),
            HOURLY in node.tags,
        )
        for node in sorted(nodes, key=lambda node: str(node.unique_id))
    }
    edges = {
        node.unique_id: {each for each in node.depends_on.nodes if not each.startswith("source.")}
        for node in nodes
    }
    order = [names[each] for each in TopologicalSorter(edges).static_order()]
    return [models[name] for name in order if name in models]
