"""When a model's answer can change although nothing it reads has changed: because time passes.

A model compares times with the clock. Such a comparison turns at a time that one of its inputs holds,
plus or minus a duration that its SQL or the policy names; between two of those moments the same inputs
give the same answer. A model that asks for the local time turns at a quarter of an hour (every zone
in use is a whole number of quarters from UTC) or at a minute that the policy names. Too many moments cost a
query that changes nothing; the tests hold the replay against one that leaves no moment out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations_with_replacement
from typing import Any

from dagster_project.backtest.landed import statement
from dagster_project.backtest.models import CLOCK, Model

DOCUMENTS = "landed.documents"
CANDIDATES = "decisions.int_candidates_this_run"
QUARTER = 15
# What leaves a time a time, a sum of one, or the difference of two. Of the clock itself, anything else is
# taken to ask for the calendar; of a column that may hold it, what is known to.
TIMELESS = {"+", "-", "*", "/", "to_microseconds", "date_diff", "greatest", "least", "coalesce"}
WRITTEN_TIME = r"(19[5-9]|20)\d+-\d\d-\d\d[ T\d:.]*"  # neither the ends of time nor the clock
CALENDAR = {"timezone", "date_trunc", "date_part", "strftime", "dayofweek", "isodow", "dayofyear", "last_day"}
NUMBERS = {"BIGINT", "INTEGER", "DOUBLE"}
EXPRESSIONS = ("FUNCTION", "CAST", "OPERATOR", "CASE")
ARITHMETIC: dict[str, Callable[..., float]] = {
    "+": lambda a, b=None: a if b is None else a + b,
    "-": lambda a, b=None: -a if b is None else a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}
MANY = 4  # above so many durations their sums are not added: the moments would be all there are


@dataclass(frozen=True)
class Clock:
    """How one model reads the clock. `columns`: (relation, column); `seconds`: durations it may add."""

    columns: tuple[tuple[str, str], ...]
    seconds: tuple[float, ...]
    asks_for_local_time: bool
    waits_for_candidates: bool


class Clockwork:
    """The clocks of all models of one replay."""

    def __init__(self, connection: Any, models: Collection[Model], minutes: Collection[int]) -> None:
        self.connection = connection
        self.minutes = sorted({minute % QUARTER for minute in minutes} | {0})
        self._times = connection.execute(statement("timestamps")).fetchall()
        self._policy = connection.execute(statement("durations")).fetchall()
        views = {model.name: model for model in models if model.kind == "view"}
        self.clocks = {
            model.name: self._clock(model, views)
            for model in models
            if model.kind != "view" and any(each.reads_the_clock for each in _with_views(model, views))
        }

    def _clock(self, model: Model, views: Mapping[str, Model]) -> Clock:
        parts = list(_with_views(model, views))
        words = {word for part in parts for word in re.findall(r"\w+", part.sql)}
        relations = {name for part in parts for name in part.inputs if name not in views}
        readings = [read(self.connection, part.sql) for part in parts]
        columns = [(name, column) for name, column in self._times if name in relations and column in words]
        times = sorted(set().union(*(reading.times for reading in readings)))
        if times:
            columns.append((f"(select unnest([{', '.join(times)}]) as named_at)", "named_at"))
        if any(reading.parses_times for reading in readings):
            columns.append((DOCUMENTS, "named_at"))
        seconds = {each for reading in readings for each in reading.seconds}
        if any(reading.has_column_durations for reading in readings):
            seconds |= set(self._policy_seconds(relations))
        return Clock(
            tuple(columns),
            tuple(sorted({sign * each for each in _with_sums(seconds) for sign in (1, -1)})),
            any(reading.asks_for_local_time for reading in readings),
            CANDIDATES in relations,
        )

    def _policy_seconds(self, relations: Collection[str]) -> Iterator[float]:
        for relation, column in self._policy:
            if relation in relations:
                query = f"select distinct {column} from {relation} where {column} is not null"  # noqa: S608
                yield from (abs(row[0]) for row in self.connection.execute(query).fetchall())

    def next_turn(self, name: str, now: datetime, following: datetime) -> datetime | None:
        """The first moment after `now` at which the model may answer otherwise; None for never.

        Times as the warehouse holds them. A comparison may turn at its moment or just after it, so
        a moment that is `now` itself counts as the `following` tick's.
        """
        clock = self.clocks[name]
        turns = []
        if clock.columns:
            (turn,) = self.connection.execute(_turn_query(clock, now)).fetchone()
            if turn:
                turns.append(following if turn == now else turn)
        if clock.asks_for_local_time and not (clock.waits_for_candidates and self._nobody_waits()):
            turns.append(self._next_minute(now))
        return min(turns, default=None)

    def _nobody_waits(self) -> bool:
        return not self.connection.execute(f"select 1 from {CANDIDATES} limit 1").fetchone()  # noqa: S608

    def _next_minute(self, now: datetime) -> datetime:
        quarter = now.replace(minute=now.minute - now.minute % QUARTER, second=0, microsecond=0)
        moments = (
            quarter + timedelta(minutes=add + minute) for add in (0, QUARTER) for minute in self.minutes
        )
        return next(moment for moment in moments if moment > now)


@dataclass
class Reading:
    """What the SQL of one model says about the clock."""

    seconds: set[float]
    times: set[str] = field(default_factory=set)  # written in the SQL itself, such as a campaign's runs
    has_column_durations: bool = False
    parses_times: bool = False
    asks_for_local_time: bool = False
    has_calendar: bool = False
    names_the_clock: bool = False  # as a column, which another part of the query may take to the calendar


def read(connection: Any, sql: str) -> Reading:
    """Read a model's SQL with DuckDB's own parser. ValueError where it is no query."""
    tree = json.loads(connection.execute("select json_serialize_sql(?)", [sql]).fetchone()[0])
    if tree["error"]:
        raise ValueError(f"the replay cannot read this SQL: {tree.get('error_message')}\n{sql}")
    reading = Reading(set())
    _walk(tree, reading)
    reading.asks_for_local_time |= reading.names_the_clock and reading.has_calendar
    return reading


def _walk(node: Any, reading: Reading) -> bool:
    """Collect what `node` and all below it say; True for an expression that is made of the clock."""
    if isinstance(node, list):
        return max([_walk(each, reading) for each in node], default=False)  # all of them, whatever they say
    if not isinstance(node, dict):
        return False
    if node.get("class") == "CONSTANT":
        return node["literal"]["text"] == CLOCK
    below = {key: _walk(value, reading) for key, value in node.items()}
    reading.names_the_clock |= below.get("select_list", False)
    _read_durations(node, reading)
    is_made_of_it = any(below.values())
    reading.has_calendar |= node.get("function_name") in CALENDAR or _type(node) in ("DATE", "TIME")
    reading.asks_for_local_time |= is_made_of_it and not _stays_a_time(node)
    if node.get("class") == "CAST" and _type(node).startswith("TIMESTAMP"):
        _read_time(node["child"], reading)
    return is_made_of_it and node.get("class", node.get("type")) in (*EXPRESSIONS, None)


def _read_time(node: Mapping[str, Any], reading: Reading) -> None:
    if node["class"] == "CONSTANT" and re.fullmatch(WRITTEN_TIME, node["literal"]["text"]):
        reading.times.add(f"timestamp '{node['literal']['text']}'")
    reading.parses_times |= node["class"] not in ("CONSTANT", "COLUMN_REF")


def _stays_a_time(node: Mapping[str, Any]) -> bool:
    if node.get("class") == "CAST":
        return _type(node).startswith("TIMESTAMP") or _type(node) in NUMBERS
    return node.get("class") != "FUNCTION" or node["function_name"] in TIMELESS


def _read_durations(node: Mapping[str, Any], reading: Reading) -> None:
    """Keep a duration; one that is no constant comes out of a column."""
    if node.get("function_name") == "to_microseconds":
        microseconds = _number(node["arguments"][0]["expression"])
        if microseconds is None:
            reading.has_column_durations = True
        else:
            reading.seconds.add(abs(microseconds) / 1_000_000)
    if node.get("class") in ("COMPARISON", "BETWEEN") and "date_diff" in json.dumps(node):
        numbers = [_number(side) for side in node.values() if isinstance(side, dict)]
        reading.seconds |= {abs(number) for number in numbers if number is not None}
        reading.has_column_durations |= numbers.count(None) > 1


def _number(node: Mapping[str, Any]) -> float | None:
    """The value of an expression of constants, else None."""
    if node["class"] == "CONSTANT" and node["literal"]["kind"] in ("INTEGER", "NUMERIC"):
        return float(node["literal"]["text"])
    if node["class"] == "CAST":
        return _number(node["child"])
    if node["class"] != "FUNCTION" or node["function_name"] not in ARITHMETIC:
        return None
    numbers = [_number(each["expression"]) for each in node["arguments"]]
    if None in numbers:
        return None
    return float(ARITHMETIC[node["function_name"]](*numbers))


def _type(node: Mapping[str, Any]) -> str:
    """The type that a cast makes; empty for anything else."""
    return str(node["type_expr"].get("type_name", "")).upper() if node.get("class") == "CAST" else ""


def _turn_query(clock: Clock, now: datetime) -> str:
    """The first time of the columns, plus or minus a duration, that is not before `now`."""
    seconds = ", ".join(f"({each})" for each in clock.seconds)
    moment, longest = f"timestamp '{now}'", max(clock.seconds)
    times = " union all ".join(
        f"select {column} as moment from {relation} "  # noqa: S608 names from the catalogue
        f"where {column} >= {moment} - to_seconds({longest})"
        for relation, column in clock.columns
    )
    return (
        f"select min(moment + to_microseconds(cast(seconds * 1000000 as bigint))) "  # noqa: S608
        f"from ({times}), (values {seconds}) as durations (seconds) "
        f"where moment + to_microseconds(cast(seconds * 1000000 as bigint)) >= {moment}"
    )


def _with_sums(seconds: Collection[float]) -> set[float]:
    alone = {0.0, *seconds}
    if len(seconds) > MANY:
        return alone
    return alone | {a + b for a, b in combinations_with_replacement(sorted(alone), 2)}


def _with_views(model: Model, views: Mapping[str, Model]) -> Iterator[Model]:
    """The model and the views that its query runs, at any depth."""
    yield model
    for name in model.inputs:
        if name in views:
            yield from _with_views(views[name], views)
