"""The rules of a feed as SQL: what Great Expectations would say of every row, at the speed of a tick.

Importing Great Expectations takes seconds, so the tick does not: each type of expectation that a
declaration may use has one line here that says the same in SQL. `landing_audit.py` runs the real
suite, and the tests hold both against each other over generated bad rows for every type below.

Each rule is a bit of `failed`. A rule that condemns a file is one whose bit is set in every row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from receivers.feed import FOLDER, GIVEN, Feed, FeedError, Rule, all_feeds, nearest

# What Great Expectations calls a Python type is this in DuckDB's json_type.
_JSON_TYPES = {
    "str": ("VARCHAR",),
    "int": ("BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT"),
    "float": ("DOUBLE",),
    "bool": ("BOOLEAN",),
    "dict": ("OBJECT",),
    "list": ("ARRAY",),
}

_PARAMETERS = {"latest": "getvariable('latest')"}


def literal(value: Any) -> str:
    """A Python value as SQL; {$PARAMETER: name} as the session variable that stands for it."""
    if isinstance(value, Mapping):
        return _PARAMETERS[value["$PARAMETER"]]
    if isinstance(value, datetime):
        return f"timestamp '{value:%Y-%m-%d %H:%M:%S.%f}'"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"


def name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _list(values: Any) -> str:
    return ", ".join(literal(value) for value in values)


def _outside(value: str, kwargs: Mapping[str, Any]) -> str:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    tests = [
        f"{value} < {literal(low)}" if low is not None else "",
        f"{value} > {literal(high)}" if high is not None else "",
    ]
    return "(" + " or ".join(test for test in tests if test) + ")"


def _of_another_type(column: str, kwargs: Mapping[str, Any]) -> str:
    allowed = [json_type for python_type in kwargs["type_list"] for json_type in _JSON_TYPES[python_type]]
    return f"{column} not in ({_list([*allowed, 'NULL'])})"


# Expectation → SQL that is true where a row fails it; null, as in Great Expectations, is no failure.
_FAILS: dict[str, Callable[[str, Mapping[str, Any]], str]] = {
    "expect_column_to_exist": lambda column, _: f"{column} is null",
    "expect_column_values_to_be_null": lambda column, _: f"{column} is not null",
    "expect_column_values_to_not_be_null": lambda column, _: f"{column} is null",
    "expect_column_values_to_be_in_type_list": _of_another_type,
    "expect_column_values_to_be_in_set": lambda column, kwargs: (
        f"{column} not in ({_list(kwargs['value_set'])})"
    ),
    "expect_column_values_to_be_between": _outside,
    "expect_column_value_lengths_to_be_between": lambda column, kwargs: _outside(f"length({column})", kwargs),
    "expect_column_values_to_match_regex": lambda column, kwargs: (
        f"not regexp_matches({column}, {literal(kwargs['regex'])})"
    ),
    "expect_column_values_to_not_match_regex": lambda column, kwargs: (
        f"regexp_matches({column}, {literal(kwargs['regex'])})"
    ),
}

EXPECTATIONS = tuple(_FAILS)
_OF_THE_FILE = ("expect_column_to_exist",)  # says nothing of a single row


def fails(rule: Rule) -> str:
    """SQL that is true where a row fails the rule. FeedError for an expectation the gate does not know."""
    if rule.type not in _FAILS:
        raise FeedError(f"expectations: the gate does not know {rule.type}, {nearest(rule.type, _FAILS)}")
    if rule.type in (*_OF_THE_FILE, "expect_column_values_to_be_in_type_list") and not rule.column.startswith(
        GIVEN
    ):
        raise FeedError(f"expectations: {rule.type} is about what was given: write {GIVEN}{rule.column}")
    return _FAILS[rule.type](name(rule.column), rule.kwargs)


def failed(feed: Feed) -> str:
    """SQL for the bits of the rules that a row fails; a row that cannot be read fails all of them."""
    bits = " | ".join(
        f"case when {fails(rule)} then {1 << bit}::bigint else 0::bigint end"
        for bit, rule in enumerate(feed.rules)
        if bit
    )
    return f"case when unreadable is not null then {(1 << len(feed.rules)) - 1}::bigint else {bits} end"


def row_mask(feed: Feed) -> int:
    """The bits that refuse a row. A table has no file to refuse, so there every rule is about rows."""
    return _mask(feed, lambda rule: bool(feed.source_table) or rule.type not in _OF_THE_FILE)


def file_mask(feed: Feed) -> int:
    """The bits that refuse a file when all its rows have them."""
    return _mask(feed, lambda rule: rule.whole_file and not feed.source_table)


def _mask(feed: Feed, wanted: Callable[[Rule], bool]) -> int:
    return sum(1 << bit for bit, rule in enumerate(feed.rules) if wanted(rule))


def rules_table(feed: Feed) -> list[tuple[int, int, str, str, str]]:
    """(bit, bits that say enough already, expectation, column, reason) for every rule: of several
    failures of one column the first is the reason, and of a row that cannot be read nothing else is said."""
    rows = []
    seen: dict[str, int] = {}
    for bit, rule in enumerate(feed.rules):
        rows.append((1 << bit, seen.get(rule.about, 0) | 1 if bit else 0, rule.type, rule.about, rule.reason))
        if row_mask(feed) & 1 << bit:
            seen[rule.about] = seen.get(rule.about, 0) | 1 << bit
    return rows


def check_feeds(folder: Path = FOLDER) -> list[str]:
    """The names of all feeds, after checking every declaration and every rule; raises FeedError."""
    feeds = all_feeds(folder)
    for feed in feeds:
        failed(feed)
    return [feed.name for feed in feeds]
