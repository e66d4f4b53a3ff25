"""What may be supposed otherwise: `cap.marketing=5`, `consent.email=yes`.

A change is a name out of the policy's tables and a value; the SQL of its kind (sql/replay/changes/<kind>.sql)
makes it so in a scratch warehouse, before anything is decided there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from dagster_project.backtest.landed import statement
from receivers.warehouse import in_utc

HOURS = re.compile(r"(([01]\d|2[0-3]):[0-5]\d)-(([01]\d|2[0-3]):[0-5]\d|24:00)")


class ChangeError(ValueError):
    """This cannot be supposed; the text says what can."""


@dataclass(frozen=True)
class Kind:
    """What the names are and what stands behind `=`, in words, and how that is read (None: it cannot be)."""

    names: str
    takes: str
    read: Callable[[str], tuple[Any] | None]


def _among(**values: Any) -> Callable[[str], tuple[Any] | None]:
    return lambda text: (values[text],) if text in values else None


def _share(text: str) -> tuple[float] | None:
    return (float(text),) if re.fullmatch(r"0(\.\d+)?|1(\.0+)?", text) else None


def _whole(text: str) -> tuple[int] | None:
    return (int(text),) if re.fullmatch(r"\d{1,9}", text) else None


def _count(text: str) -> tuple[int | None] | None:
    return (None,) if text == "off" else _whole(text)


def _hours(text: str) -> tuple[str | None] | None:
    return (None,) if text == "off" else (text,) if HOURS.fullmatch(text) else None


KINDS: Mapping[str, Kind] = {
    "cap": Kind("cap or its class, channel or journey", "how many messages, or off", _count),
    "quiet_hours": Kind("rule", "hours such as 22:00-07:00, or off", _hours),
    "consent": Kind("channel", "yes or no", _among(yes="given", no="withdrawn")),
    "suppression": Kind("channel", "off", _among(off=None)),
    "route": Kind("channel", "free", _among(free=None)),
    "holdout": Kind("journey, or global", "a share from 0 to 1", _share),
    "rollout": Kind("journey", "a share from 0 to 1", _share),
    "priority": Kind("journey", "a whole number", _whole),
}


@dataclass(frozen=True)
class Change:
    """`before` as the policy has it (None where it is not policy), `after` as asked; `value` for the SQL."""

    kind: str
    name: str
    before: str | None
    after: str
    value: Any

    @property
    def title(self) -> str:
        return f"{self.kind}.{self.name}"


def options(connection: Any) -> dict[str, str | None]:
    """What can be changed, `kind.name`, and how it is now, by the policy in a warehouse."""
    rows = connection.execute(statement("changes/options")).fetchall()
    return {f"{kind}.{name}": now and now.removesuffix(".0") for kind, name, now in rows}


def read(asked: Iterable[str], known: Mapping[str, str | None]) -> list[Change]:
    """`kind.name=value` each, names out of `known`. Raises ChangeError."""
    changes = [_read(each, known) for each in asked]
    titles = [change.title for change in changes]
    if twice := {title for title in titles if titles.count(title) > 1}:
        raise ChangeError(f"--with names {', '.join(sorted(twice))} twice: it can only be one way")
    return changes


def _read(asked: str, known: Mapping[str, str | None]) -> Change:
    title, _, text = asked.partition("=")
    if title not in known:
        near = get_close_matches(title, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "there is nothing like it."
        raise ChangeError(f"--with {asked}: {title!r} cannot be changed; {hint}\n{in_words(known)}")
    kind, _, name = title.partition(".")
    if (value := KINDS[kind].read(text)) is None:
        raise ChangeError(f"--with {asked}: {kind}.… takes {KINDS[kind].takes}, not {text!r}")
    return Change(kind, name, known[title], text, value[0])


def in_words(known: Mapping[str, str | None]) -> str:
    """All that can be changed, a line a kind."""
    lines = ["What can be changed, with what it is now:"]
    for kind, about in KINDS.items():
        names = [
            title.removeprefix(f"{kind}.") + (f" ({now})" if now is not None else "")
            for title, now in known.items()
            if title.startswith(f"{kind}.")
        ]
        lines.append(f"  {kind}.NAME={about.takes} (NAME: {about.names}): {', '.join(names) or 'none'}")
    return "\n".join(lines)


def apply(
    connection: Any, *, changes: Iterable[Change], user_id: str, purpose: str | None, first: datetime
) -> None:
    """Make it so in a fork, before anything is decided there. Consents are the person's, for `purpose`."""
    common = {"user_id": user_id, "purpose": purpose, "first": in_utc(first)}
    for change in changes:
        values = {**common, "name": change.name, "value": change.value}
        for query in statement(f"changes/{change.kind}").split(";\n"):
            named = {name: value for name, value in values.items() if f"${name}" in query}
            connection.execute(query, named)
