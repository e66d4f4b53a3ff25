"""A trigger's query as a tree that conditions can be left out of, read and written by DuckDB's own parser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from dagster_project.backtest.models import CLOCK, Model, at

FOLDER = "triggers"
CLAUSES = ("where_clause", "having", "qualify", "condition")
DURATION = re.compile(r"to_microseconds\(CAST\(\((-?[\d.]+) \* CAST\(1000000 AS BIGINT\)\) AS BIGINT\)\)")
BETWEEN = re.compile(r"\(date_diff\('microsecond', (.*?), (.*?)\) / 1000000\.0\)")
Tree = dict[str, Any]
Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Condition:
    """A condition of a query: in which part, in words, and where in the tree; `index`: which of several."""

    part: str
    words: str
    path: Place
    index: int


class Query:
    """A trigger's query as a tree, with the models of its folder inside it."""

    def __init__(self, connection: Any, models: Mapping[str, Model], name: str, as_of: datetime) -> None:
        self.connection = connection
        self.as_of = as_of
        self.models = models
        self.outside: set[tuple[str, str]] = set()
        self.has_rows_of_person = False
        self._inside: dict[str, Tree] = {}  # in the order in which one may read the other
        self.name = name.split(".")[1]
        self.tree = self._inlined(self._read(models[name].sql))
        own = self.tree["statements"][0]["node"]["cte_map"]
        own["map"] = [*map(_part, self._inside, self._inside.values()), *own["map"]]

    def copy_rows(self, source: Path, user_id: str) -> None:
        """The person's rows of what the query reads; all of what names no person."""
        path = str(source).replace("'", "''")
        self.connection.execute(f"attach '{path}' as source (read_only)")
        self.connection.execute("attach ':memory:' as warehouse")
        for schema, table in sorted(self.outside):
            columns = self.connection.execute(
                "select column_name from duckdb_columns() "
                "where database_name = 'source' and schema_name = ? and table_name = ?",
                [schema, table],
            ).fetchall()
            of_person = "where user_id = $user_id" if ("user_id",) in columns else ""
            self.connection.execute(f"create schema if not exists warehouse.{schema}")
            self.connection.execute(
                f"create table warehouse.{schema}.{table} as "  # noqa: S608 names out of dbt's own SQL
                f"select * from source.{schema}.{table} {of_person}",
                {"user_id": user_id} if of_person else None,
            )
            if of_person:
                count = f"select count(*) from warehouse.{schema}.{table}"  # noqa: S608
                self.has_rows_of_person |= bool(self.connection.execute(count).fetchone()[0])

    def is_selected(self, user_id: str, without: Sequence[Condition] = ()) -> bool:
        """Whether the query selects the person now, with some conditions left out."""
        selected = "select 1 from ({}) where user_id = $user_id and triggered_at <= $now limit 1"
        values = {"user_id": user_id, "now": self.as_of.replace(tzinfo=None)}
        return bool(self._first(selected, self._without(without), values))

    def rows_of_part(self, part: str, user_id: str, without: Sequence[Condition] = ()) -> int | None:
        """How many of the person's rows a part of the query keeps; None where it names no person."""
        tree = self._read(f'select * from "{part}"')  # noqa: S608
        parts = self._without(without)["statements"][0]["node"]["cte_map"]["map"]
        end = self.parts.index(part) + 1  # what comes after it only costs time
        tree["statements"][0]["node"]["cte_map"] = {"map": parts[:end]}
        row = self._first("select count(*) from ({}) where user_id = $user_id", tree, {"user_id": user_id})
        return row[0] if row else None

    @property
    def parts(self) -> list[str]:
        """The named parts of the query, from the first on."""
        return [entry["key"] for entry in self.tree["statements"][0]["node"]["cte_map"]["map"]]

    def _without(self, conditions: Sequence[Condition]) -> Tree:
        tree = deepcopy(self.tree) if conditions else self.tree
        # The last of a clause first, so that the others keep their places.
        for each in sorted(conditions, key=lambda each: each.index, reverse=True):
            _leave_out(tree, each)
        return tree

    def _first(self, query: str, tree: Tree, values: Mapping[str, Any]) -> Any:
        import duckdb

        with suppress(duckdb.Error):  # a query that makes no sense without the condition tells nothing
            return self.connection.execute(query.format(self._text(tree)), values).fetchone()
        return None

    def conditions(self) -> Iterator[Condition]:
        """All that can be left out, each with the part of the query that it is in."""
        root = self.tree["statements"][0]["node"]
        for index, entry in enumerate(root["cte_map"]["map"]):
            path = ("statements", 0, "node", "cte_map", "map", index)
            yield from self._conditions(entry["value"], (*path, "value"), entry["key"])
        own = {key: value for key, value in root.items() if key != "cte_map"}
        yield from self._conditions(own, ("statements", 0, "node"), self.name)

    def _conditions(self, node: Any, path: Place, part: str) -> Iterator[Condition]:
        if isinstance(node, list):
            for index, each in enumerate(node):
                yield from self._conditions(each, (*path, index), part)
        if not isinstance(node, dict):
            return
        if node.get("class"):
            return  # an expression: what it holds is its own
        for key, value in node.items():
            if key in CLAUSES and isinstance(value, dict):
                yield from self._of_clause(value, (*path, key), part)
            else:
                yield from self._conditions(value, (*path, key), part)
        if node.get("type") == "JOIN" and node["join_type"] == "INNER":
            words = f"there is a row in {_named(node['right'])}"
            yield Condition(part, words, (*path, "join_type"), 0)

    def _of_clause(self, clause: Tree, path: Place, part: str) -> Iterator[Condition]:
        several = clause["type"] == "CONJUNCTION_AND"
        for index, each in enumerate(clause["children"] if several else [clause]):
            if path[-1] != "condition" or not _joins_two(each):
                yield Condition(part, self._words(each), path, index)

    def _words(self, expression: Tree) -> str:
        tree = self._read("select 1")
        tree["statements"][0]["node"]["select_list"] = [expression]
        now = f"CAST('{at(self.as_of)}' AS TIMESTAMP)"
        return in_plain_sql(self._text(tree).removeprefix("SELECT ").replace(now, "now"))

    def _read(self, sql: str) -> Tree:
        query = "select json_serialize_sql(?)"
        filled = sql.replace(CLOCK, at(self.as_of))
        tree: Tree = json.loads(self.connection.execute(query, [filled]).fetchone()[0])
        if tree["error"]:
            raise ValueError(f"cannot read the SQL of {self.name}: {tree.get('error_message')}")
        return tree

    def _text(self, tree: Tree) -> str:
        query = "select json_deserialize_sql(cast(? as json))"
        return str(self.connection.execute(query, [json.dumps(tree)]).fetchone()[0])

    def _inlined(self, node: Any) -> Any:
        """The tree reading the folder's own models as parts of itself; notes what it reads besides."""
        if isinstance(node, list):
            return [self._inlined(each) for each in node]
        if not isinstance(node, dict):
            return node
        if node.get("type") != "BASE_TABLE" or not node["schema_name"]:
            return {key: self._inlined(value) for key, value in node.items()}
        schema, table = node["schema_name"], node["table_name"]
        if schema != FOLDER or f"{schema}.{table}" not in self.models:
            self.outside.add((schema, table))
            return node
        if table not in self._inside:
            statement = self._inlined(self._read(self.models[f"{schema}.{table}"].sql)["statements"][0])
            self._inside[table] = statement["node"]
        by_name = {"schema_name": "", "catalog_name": "", "qualified_name": {"path": [table]}}
        return {**node, **by_name, "alias": node["alias"] or table}


def _part(name: str, node: Tree) -> Tree:
    value = {
        "aliases": [],
        "materialized": "CTE_MATERIALIZE_DEFAULT",
        "key_targets": [],
        "payload_aggregates": [],
    }
    return {"key": name, "value": {**value, "query_node": node}}


def _leave_out(tree: Tree, condition: Condition) -> None:
    holder: Any = tree
    for step in condition.path[:-1]:
        holder = holder[step]
    key = condition.path[-1]
    if key == "join_type":
        holder[key] = "LEFT"
    elif holder[key]["type"] == "CONJUNCTION_AND" and len(holder[key]["children"]) > 1:
        del holder[key]["children"][condition.index]
    else:
        holder[key] = None


def _joins_two(expression: Tree) -> bool:
    """Whether it only says which rows belong together: leaving that out would say nothing."""
    return expression.get("type") == "COMPARE_EQUAL" and all(
        expression[side].get("class") == "COLUMN_REF" for side in ("left", "right")
    )


def _named(relation: Tree) -> str:
    return str(relation.get("alias") or relation.get("table_name") or "the other part")


def in_plain_sql(text: str) -> str:
    """What the macros wrote, as a person would: `now`, `3 days`."""
    text = DURATION.sub(lambda found: _duration(float(found[1])), text)
    text = BETWEEN.sub(r"seconds from \1 to \2", text)
    text = text.replace("+ -'", "- '").replace(", 0:00:00'", "'")
    return text[1:-1] if text.startswith("(") and text.endswith(")") and _is_one_pair(text) else text


def _duration(seconds: float) -> str:
    return f"{'-' * (seconds < 0)}'{timedelta(seconds=abs(seconds))}'"


def _is_one_pair(text: str) -> bool:
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if not depth and place < len(text) - 1:
            return False
    return True
