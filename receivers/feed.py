"""What lands is declared: one YAML file a feed in receivers/feeds, found by its folder below landing/.

A declaration says what the rows look like (`given`: name → JSON path, or several of which the first
that is there counts), what becomes of them (`columns`: column of the raw table → SQL over what was
given), what else is judged (`judged`: likewise), and the rules: a suite of Great Expectations, whose
only home this is. `gate.py` puts the rules into SQL for the tick; `landing_audit.py` runs the suite
itself over what landed and holds the two against each other.

In SQL there are besides: `doc` (the whole row as JSON), `more` (what nobody named), `source` (the feed),
`landed_at`, the macros of sql/warehouse/macros.sql, and with `phones` also phone_e164,
phone_country and phone_time_zones. In rules there are besides: `given.<name>`, the value as it came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parent / "feeds"
GIVEN = "given."  # before a column of a rule: the value as it came, with its JSON type

_KEYS = {
    "like",
    "source_table",
    "table",
    "key",
    "same",
    "given",
    "phones",
    "columns",
    "also",
    "judged",
    "expectations",
}
_MOST_RULES = 62  # each is a bit of a bigint
_ENTRY_KEYS = ("type", "for", "kwargs", "meta")
_META_KEYS = ("reason", "whole_file")
_REQUIRED = ("table", "key", "given", "columns", "expectations")


class FeedError(ValueError):
    """A declaration is wrong or there is none; the text names file, key and the nearest valid name."""


class UnknownFeed(FeedError):
    """A file lies in a folder that no declaration is for."""


@dataclass(frozen=True)
class Rule:
    """One expectation on one column. `whole_file`: a file of which no row meets it is refused as a whole,
    because then it is the column that is missing or has changed its type."""

    type: str
    column: str
    kwargs: Mapping[str, Any]
    reason: str
    whole_file: bool

    @property
    def about(self) -> str:
        """`given.price` and `text.price` are about `price`."""
        return self.column.rpartition(".")[2]


@dataclass(frozen=True)
class SourceTable:
    """A table in the warehouse that another tool loads."""

    table: str
    loaded_at: str
    overlap_minutes: int


@dataclass(frozen=True)
class Also:
    """A row that is a row of another feed, too, and is judged there."""

    feed: str
    when: str
    record: str


@dataclass(frozen=True)
class Feed:
    name: str
    table: str
    key: tuple[str, ...]
    given: Mapping[str, tuple[str, ...]]
    columns: Mapping[str, str]
    rules: tuple[Rule, ...]
    same: tuple[str, ...] = ()
    judged: Mapping[str, str] = field(default_factory=dict)
    phones: tuple[Mapping[str, str], ...] = ()
    also: Also | None = None
    source_table: SourceTable | None = None

    @property
    def moment(self) -> str:
        """The column that orders behaviour."""
        return "occurred_at" if "occurred_at" in self.columns else "updated_at"


READABLE = Rule(
    "expect_column_values_to_be_null", "unreadable", {}, "the row cannot be read", whole_file=True
)


def nearest(name: str, names: Iterable[str]) -> str:
    """The hint for a name nobody knows."""
    found = get_close_matches(name, sorted(names), n=1, cutoff=0.0)
    return f"nearest is {found[0]}" if found else "there is none"


@cache
def feed_names(folder: Path = FOLDER) -> tuple[str, ...]:
    """`events`, `shopify/orders`, …: every declaration."""
    return tuple(
        sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yml"))
    )


def feed_of(path: PurePosixPath, folder: Path = FOLDER) -> str:
    """The feed whose folder a file below landing/ is in; UnknownFeed when there is none."""
    folders = [parent.as_posix() for parent in path.parents if parent.as_posix() != "."]
    for name in folders:
        if name in feed_names(folder):
            return name
    if not folders:
        raise UnknownFeed(f"a file must be in the folder of a feed: {', '.join(feed_names(folder))}")
    raise UnknownFeed(f"no feed named {folders[0]}, {nearest(folders[0], feed_names(folder))}")


def all_feeds(folder: Path = FOLDER) -> list[Feed]:
    """Every declaration, checked: for `dovecote doctor` and the tests."""
    return [load_feed(name, folder) for name in feed_names(folder)]


@cache
def load_feed(name: str, folder: Path = FOLDER) -> Feed:
    """Read and check one declaration; FeedError names what is wrong in it."""
    declared = _declared(name, folder)
    where = f"receivers/feeds/{name}.yml"
    for key in _REQUIRED:
        if not declared.get(key):
            raise FeedError(f"{where}: {key} is missing")
    source_table, also = declared.get("source_table"), declared.get("also")
    feed = Feed(
        name=name,
        table=declared["table"],
        key=tuple(declared["key"]),
        same=tuple(declared.get("same", ())),
        given={given: (at,) if isinstance(at, str) else tuple(at) for given, at in declared["given"].items()},
        columns=declared["columns"],
        judged=declared.get("judged", {}),
        phones=tuple(declared.get("phones") or ()),
        also=Also(**also) if also else None,
        rules=(READABLE, *(rule for entry in declared["expectations"] for rule in _rules(entry, where))),
        source_table=SourceTable(**source_table) if source_table else None,
    )
    _check(feed, where)
    return feed


def _declared(name: str, folder: Path) -> dict[str, Any]:
    """The YAML of a feed over that of the one it is like."""
    if name not in feed_names(folder):
        raise FeedError(f"no feed named {name}, {nearest(name, feed_names(folder))}")
    text = (folder / f"{name}.yml").read_text(encoding="utf-8")
    try:
        declared: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except yaml.YAMLError as error:
        raise FeedError(f"receivers/feeds/{name}.yml: {error}") from error
    _check_keys(declared, _KEYS, f"receivers/feeds/{name}.yml")
    like = declared.pop("like", None)
    return {**_declared(like, folder), **declared} if like else declared


def _rules(entry: Mapping[str, Any], where: str) -> list[Rule]:
    """One rule for every column that an entry is for."""
    _check_keys(entry, _ENTRY_KEYS, f"{where}: expectations")
    _check_keys(entry.get("meta", {}), _META_KEYS, f"{where}: expectations: meta")
    try:
        kind, columns, meta = entry["type"], entry["for"], entry["meta"]
        reason = meta["reason"]
    except KeyError as error:
        raise FeedError(f"{where}: expectations: {error.args[0]} is missing in {entry}") from error
    return [
        Rule(
            type=kind,
            column=column,
            kwargs=entry.get("kwargs", {}),
            reason=reason.replace("{column}", column.rpartition(".")[2]),
            whole_file=bool(meta.get("whole_file")),
        )
        for column in columns
    ]


def _check_keys(found: Iterable[str], known: Iterable[str], where: str) -> None:
    for key in found:
        if key not in known:
            raise FeedError(f"{where}: unknown key {key}, {nearest(key, known)}")


def _check(feed: Feed, where: str) -> None:
    if len(feed.rules) > _MOST_RULES:
        raise FeedError(f"{where}: {len(feed.rules)} rules, the gate holds {_MOST_RULES}")
    known = {"unreadable", *feed.columns, *feed.judged, *(GIVEN + name for name in feed.given)}
    for rule in feed.rules:
        if rule.column not in known:
            raise FeedError(f"{where}: expectations: no column {rule.column}, {nearest(rule.column, known)}")
    for column in (*feed.key, *feed.same):
        if column not in feed.columns:
            raise FeedError(f"{where}: key/same: no column {column}, {nearest(column, feed.columns)}")
    for phone in feed.phones:
        for name in phone.values():
            if name not in feed.given:
                raise FeedError(
                    f"{where}: phones: nothing given is named {name}, {nearest(name, feed.given)}"
                )
