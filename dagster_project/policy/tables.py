"""The policy that is tables (`dbt/seeds/*.csv`), judged cell by cell before dbt reads it.

The models take what they cannot read as it would keep people in peace: a quiet hour holds all day, a
cap counts everything. This says so beforehand, with the file, the line and what to write instead.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final
from zoneinfo import available_timezones

from dagster_project.policy.reader import Problem, nearest
from senders.contract import CHANNELS

SEEDS: Final = Path("dbt/seeds")
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLASSES: Final = ("marketing", "transactional")
KINDS: Final = ("rolling", "calendar_day", "calendar_week", "calendar_month")
LONGEST_SECONDS: Final = 59 * 86_400  # int_ledger_messages looks back 60 days

Row = Mapping[str, str]
Check = Callable[[str, Row], str | None]  # what is wrong with a cell of a row; None: nothing


def table_problems(repository: Path) -> Iterator[Problem]:
    """What is wrong in the policy's tables. A table that is not there is dbt's to miss."""
    for name, checks in TABLES.items():
        path = repository / SEEDS / f"{name}.csv"
        if path.is_file():
            yield from _problems(str(SEEDS / path.name), path, checks)


def _problems(file: str, path: Path, checks: Mapping[str, Check]) -> Iterator[Problem]:
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        rows = [(reader.line_num, {key: value or "" for key, value in row.items() if key}) for row in reader]
    for missing in sorted(set(checks) - set(reader.fieldnames or ())):
        yield Problem(file, 1, missing, "is missing: the first line names the columns")
    if not rows and path.stem == "served_time_zones":
        yield Problem(file, None, "", "has no rows: people whose zone nobody knows must be somewhere")
    key, seen = next(iter(checks)), set()
    for line, row in rows:
        for column in [column for column in checks if column in row]:
            if says := checks[column](row[column], row):
                yield Problem(file, line, f"{row.get(key)}.{column}", says)
        if row.get(key) in seen:
            yield Problem(file, line, str(row.get(key)), "is there twice")
        seen.add(row.get(key))


def _one_of(*words: str) -> Check:
    return lambda cell, row: None if cell in words else f'unknown word "{cell}"; {nearest(cell, words)}'


def _like(pattern: str, says: str) -> Check:
    return lambda cell, row: None if re.fullmatch(pattern, cell) else f'"{cell}" {says}'


def _ends(cell: str, row: Row) -> str | None:
    if cell == row.get("quiet_from"):
        return f'"{cell}" is where it begins: for a whole day write 00:00 and 24:00'
    return _like(r"([01]\d|2[0-3]):[0-5]\d|24:00", 'is no time of day: write "00:00" to "24:00"')(cell, row)


def _weekdays(cell: str, row: Row) -> str | None:
    days = [day.strip() for day in cell.lower().split(",")]
    unknown = [day for day in days if day not in WEEKDAYS and cell not in ("", "*")]
    return f'unknown weekday "{unknown[0]}"; {nearest(unknown[0], WEEKDAYS)}' if unknown else None


def _scope_value(cell: str, row: Row) -> str | None:
    words: dict[str, Iterable[str]] = {"class": CLASSES, "channel": CHANNELS}
    known = words.get(row.get("scope", ""))
    return None if known is None or cell in known else f'unknown word "{cell}"; {nearest(cell, known)}'


def _window(cell: str, row: Row) -> str | None:
    if row.get("kind") != "rolling":
        return f"{cell} means nothing to a {row.get('kind')}: leave it empty" if cell else None
    if not cell.isdecimal() or not 0 < int(cell) <= LONGEST_SECONDS:
        return f'"{cell}" must be a whole number of seconds, at most {LONGEST_SECONDS} (59 days)'
    return None


def _zone(cell: str, row: Row) -> str | None:
    zones = available_timezones()
    return None if cell in zones else f'"{cell}" is no IANA time zone; {nearest(cell, zones)}'


NAMED: Final = _like(r"[a-z][a-z0-9_]*", "is no name: write it in snake_case")
TABLES: Final[Mapping[str, Mapping[str, Check]]] = {
    "quiet_hours": {
        "rule_id": NAMED,
        "message_class": _one_of(*CLASSES),
        "country": _like(r"[A-Z]{2}|\*", 'is no country: write two capitals, as in "FR", or * for all'),
        "region": _like(r"[A-Z0-9-]+|\*|", "is no region: write it in capitals, or * for all"),
        "weekdays": _weekdays,
        "quiet_from": _like(r"([01]\d|2[0-3]):[0-5]\d", 'is no time of day: write "00:00" to "23:59"'),
        "quiet_until": _ends,
    },
    "frequency_caps": {
        "cap_id": NAMED,
        "scope": _one_of("class", "channel", "journey"),
        "scope_value": _scope_value,
        "max_messages": _like(r"\d+", "must be a whole number, at least 0"),
        "kind": _one_of(*KINDS),
        "window_seconds": _window,
    },
    "served_time_zones": {"time_zone": _zone},
}
