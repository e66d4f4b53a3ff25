"""What a value of a policy may be: small parsers, put together into tables of keys.

A parser is a function of (place, value): it returns what the value means, or refuses it at its
place and returns None. Refusing does not stop the reading, so one look finds all problems.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dagster_project.policy.reader import Place, nearest

Parser = Callable[[Place, Any], Any]

UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
LONGEST_DAYS: Final = 3_650
ENTITY_COLUMNS: Final = ("cart_id", "order_id", "product_id")  # of fct_events; others are properties
PERSON_IDS: Final = ("user_id", "anonymous_id", "event_id")
LEAST_SHARE: Final = 0.0001
CRON: Final = (
    ("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12),
    ("day of the week", 0, 7),
)  # fmt: skip
LONGEST_MONTH: Final = {
    month: 29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31 for month in range(1, 13)
}
NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


def duration(place: Place, value: Any) -> int | None:
    """`90s`, `30m`, `24h`, `7d` in seconds; the grammar of dbt's macro publish_policy."""
    match = re.fullmatch(r"(\d+)([smhd])", value) if isinstance(value, str) else None
    if match is None:
        example = f"{value}m" if isinstance(value, int) and value > 0 else "30m"
        place.refuse(f"{value!r} is no duration: write a whole number and s, m, h or d, as in {example}")
        return None
    seconds = int(match[1]) * UNITS[match[2]]
    if seconds > LONGEST_DAYS * UNITS["d"]:
        place.refuse(f"{value} is longer than {LONGEST_DAYS}d")
        return None
    return seconds


def duration_of_a_minute(place: Place, value: Any) -> int | None:
    """A duration in which somebody can look: a tick comes once a minute."""
    seconds = duration(place, value)
    if seconds is not None and seconds < UNITS["m"]:
        place.refuse(f"{value} is over before anybody looks: write at least 1m")
    return seconds


def duration_or(words: Mapping[str, int | None]) -> Parser:
    """A duration, or one of `words` with what it stands for."""

    def parse(place: Place, value: Any) -> int | None:
        if isinstance(value, str) and value.isalpha():
            if value not in words:
                place.refuse(f'unknown word "{value}"; {nearest(value, words)} A duration looks like 24h')
            return words.get(value)
        return duration(place, value)

    return parse


def one_of(what: str, words: Iterable[str]) -> Parser:
    known = tuple(words)

    def parse(place: Place, value: Any) -> str | None:
        if not isinstance(value, str) or value not in known:
            place.refuse(f'unknown {what} "{value}"; {nearest(value, known)}')
            return None
        return value

    return parse


def name_of(what: str) -> Parser:
    def parse(place: Place, value: Any) -> str | None:
        if isinstance(value, str) and NAME.fullmatch(value):
            return value
        snake = re.sub(r"[^a-z0-9]+", "_", str(value).lower()).strip("_")
        place.refuse(f'"{value}" is no name of {what}: it is written in snake_case, as in "{snake or what}"')
        return None

    return parse


def time_of_day(place: Place, value: Any) -> int | None:
    """`"09:30"` in seconds after midnight. YAML takes a bare 21:30 for a number: it wants quotes."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        place.refuse(f'{value} is no time of day: put it in quotes, as in "{value // 60:02}:{value % 60:02}"')
        return None
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", value) if isinstance(value, str) else None
    if match is None:
        place.refuse(f'{value!r} is no time of day: write hours and minutes from "00:00" to "23:59"')
        return None
    return int(match[1]) * 3_600 + int(match[2]) * 60


def schedule(place: Place, value: Any) -> str | None:
    """Five fields of cron in UTC, `0 9 * * 1`; the grammar of dbt's macro cron_field."""
    fields = value.split() if isinstance(value, str) else []
    if len(fields) != len(CRON):
        says = 'write minute, hour, day, month and day of the week in quotes, as in "0 9 * * 1"'
        place.refuse(f"{value!r} is no schedule: {says}")
        return None
    for text, (what, low, high) in zip(fields, CRON, strict=True):
        if not all(_is_cron(part, low, high) for part in text.split(",")):
            place.refuse(f'"{text}" is no {what}: write *, {low} to {high}, a range 1-5, a list or */2')
            return None
    if fields[2] != "*" and fields[4] != "*":
        place.refuse("names days of the month and of the week: leave one of them *")
        return None
    first_day = min(int(day) for day in re.findall(r"(?:^|,)(\d+)", fields[2]) or ["1"])
    months = re.findall(r"(?:^|,)(\d+)", fields[3])
    if months and "-" not in fields[3] and first_day > max(LONGEST_MONTH[int(month)] for month in months):
        place.refuse(f"names day {first_day} of a month that never has one")
        return None
    return str(value)


def _is_cron(part: str, low: int, high: int) -> bool:
    match = re.fullmatch(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/([1-9]\d?))?", part)
    if match is None or (match[3] and match[1] and not match[2]):
        return False
    first, last = int(match[1] or low), int(match[2] or match[1] or high)
    return low <= first <= last <= high


def id_of_event(place: Place, value: Any) -> str | None:
    """`cart_id`, `booking_id`: an id that events carry, as a column of fct_events or as a property."""
    if isinstance(value, str) and re.fullmatch(r"[a-z][a-z0-9_]*_id", value) and value not in PERSON_IDS:
        return value
    if value in PERSON_IDS:
        place.refuse(f"{value} is no entity: leave the key out where the journey is about the person")
        return None
    near = nearest(f"{value}_id", (*ENTITY_COLUMNS, f"{value}_id"))
    place.refuse(f'"{value}" is no id of an event: it is written in snake_case and ends in _id; {near}')
    return None


def condition(place: Place, value: Any) -> str:
    """A segment or an outcome of a step, judged by `references`."""
    return str(value)


def number(low: float, high: float, *, whole: bool = False, below: bool = False) -> Parser:
    """A number from `low` to `high`; `below`: it must stay under `high`."""
    end = "less than" if below else "at most"

    def parse(place: Place, value: Any) -> float | None:
        is_number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
        if not is_number or not (low <= value < high if below else low <= value <= high):
            place.refuse(f"{value!r} must be a {'whole ' * whole}number, at least {low} and {end} {high}")
            return None
        return float(value) if not whole else value

    return parse


def share(place: Place, value: Any) -> float | None:
    """A share of the people, drawn in 10,000 buckets: nothing, or at least one of them."""
    parsed = number(0, 1, below=True)(place, value)
    if parsed is not None and 0 < parsed < LEAST_SHARE:
        place.refuse(f"{value} is less than one person in 10,000: write 0, or at least {LEAST_SHARE}")
    return parsed


def list_of(parse_item: Parser, *, at_least: int = 0) -> Parser:
    def parse(place: Place, value: Any) -> list[Any]:
        if not isinstance(value, list):
            place.refuse(f"{value!r} must be a list, as in [{value}]")
            return []
        if len(value) < at_least:
            place.refuse(f"must name at least {at_least}")
        for index, item in enumerate(value):
            if isinstance(item, str) and item in value[:index]:
                place.at(index).refuse(f'"{item}" is there twice')
        return [parse_item(place.at(index), item) for index, item in enumerate(value)]

    return parse


def names_by(parse_key: Parser, parse_value: Parser) -> Parser:
    """A mapping of one kind of name to another, as {step: template}."""

    def parse(place: Place, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            place.refuse(f"{value!r} must be a mapping of names, as in {{reminder: cart_reminder}}")
            return {}
        return {
            parse_key(place.at(key), key): parse_value(place.at(key), each) for key, each in value.items()
        }

    return parse


@dataclass(frozen=True)
class Key:
    """What may stand under a key. `default` is written as in the YAML and goes through `parse`."""

    parse: Parser
    default: Any = None
    is_required: bool = False


def mapping_of(keys: Mapping[str, Key]) -> Parser:
    """All of `keys` in what is returned; None where neither the YAML nor a default says anything."""

    def parse(place: Place, value: Any) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            place.refuse(f"{value!r} must be a mapping with {', '.join(keys)}")
            return None
        for unknown in sorted(set(value) - set(keys)):
            place.at(unknown).refuse(f"unknown key; {nearest(unknown, set(keys) - set(value))}")
        found = {}
        for name, key in keys.items():
            if name not in value and key.is_required:
                place.at(name).refuse("is missing")
            given = value.get(name, key.default)
            found[name] = None if given is None and name not in value else key.parse(place.at(name), given)
        return found

    return parse
