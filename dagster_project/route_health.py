"""How each route is after a tick: state, backlog, oldest waiting message, what went wrong; and the checks
that turn red before a person would notice. They tell, and hold nothing back: what must not be sent is the
ledger's to refuse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from dagster_project.controls import standing
from senders.contract import State
from senders.ledger import Ledger
from senders.providers._reasons import Reason
from senders.settings import Settings
from senders.store import to_moment, to_text

TURNS = 3  # what was due for so many ticks and nobody kept back should have gone
NOT_UNDERSTOOD = (Reason.UNCLEAR_ANSWER, "answer_not_understood")  # its words are kept with the attempt

FREE, GOING, UNDERSTOOD, UNHELD = (
    "no_route_is_blocked",
    "nothing_waits_for_longer_than_three_ticks",
    "every_answer_is_understood",
    "nothing_is_held",
)
ABOUT = {
    FREE: "A provider refused our account or configuration: `dovecote routes` says why, and how to free it.",
    GOING: "A message was due three ticks ago, and neither a blocked route nor a stop keeps it back.",
    UNDERSTOOD: "A provider's answer is in no table of ours: it counts as unknown, the attempt has it whole.",
    UNHELD: "Nobody can tell whether these were sent: `dovecote held` lists them.",
}
WARNINGS = (UNHELD,)


@dataclass(frozen=True)
class Health:
    routes: Sequence[Mapping[str, Any]]  # as Ledger.routes gives them
    waits: Mapping[str, timedelta]  # provider → how long its oldest message has been due
    errors: Sequence[Mapping[str, Any]]  # provider, to_state, reason, moves, message_id
    held: int
    at: datetime


def look(ledger: Ledger, since_seq: int, now: datetime) -> Health:
    """`since_seq`: of the journal, where the tick before ended."""
    due = ledger.run("oldest_waiting", {"now": to_text(now)}).fetchall()
    waits = {row["provider"]: now - to_moment(row["due_at"]) for row in due if row["due_at"]}
    errors = [dict(row) for row in ledger.run("errors_since", {"seq": since_seq}).fetchall()]
    return Health(ledger.routes(), waits, errors, len(ledger.held_by_rule()), now)


def specs(key: Sequence[str]) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(name, asset=dg.AssetKey(key), description=about) for name, about in ABOUT.items()
    ]


def metadata(health: Health) -> dict[str, Any]:
    """Two tables for the UI, and a number a route for its plots."""
    routes = [
        (row["provider"], row["channel"], *standing(row, health.at),
         row["backlog"], _in_words(health.waits.get(row["provider"])))
        for row in health.routes
    ]  # fmt: skip
    errors = [
        tuple(row[name] for name in ("provider", "to_state", "reason", "moves")) for row in health.errors
    ]
    numbers = {f"backlog/{row['provider']}": row["backlog"] for row in health.routes}
    return {
        "routes": _table(("route", "channel", "state", "why", "backlog", "oldest waits"), routes),
        "errors": _table(("route", "became", "reason", "messages"), errors),
        "held": health.held,
        **numbers,
    }


def verdicts(health: Health, settings: Settings) -> Iterator[dg.AssetCheckResult]:
    patience = timedelta(seconds=TURNS * settings.tick_seconds)
    states = {row["provider"]: standing(row, health.at) for row in health.routes}
    why = {name: f" ({said})" for name, (state, said) in states.items() if state == "paused"}
    found = {
        FREE: [f"{row['provider']}: {row['reason']}" for row in health.routes if row["is_blocked"]],
        GOING: [
            f"{name}: {_in_words(wait)}{why.get(name, '')}"
            for name, wait in health.waits.items()
            if wait > patience
        ],
        UNDERSTOOD: [
            f"{row['provider']}: {row['moves']} ({row['reason']}), such as {row['message_id']}"
            for row in health.errors
            if row["to_state"] == State.UNKNOWN and row["reason"].startswith(NOT_UNDERSTOOD)
        ],
        UNHELD: [f"{health.held} message(s)"] * bool(health.held),
    }
    for name, wrong in found.items():
        severity = dg.AssetCheckSeverity.WARN if name in WARNINGS else dg.AssetCheckSeverity.ERROR
        said = {str(number): text for number, text in enumerate(wrong, start=1)}
        yield dg.AssetCheckResult(check_name=name, passed=not wrong, severity=severity, metadata=said)


def _in_words(wait: timedelta | None) -> str:
    return "" if wait is None else str(timedelta(seconds=max(0, round(wait.total_seconds()))))


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dg.MarkdownMetadataValue | str:
    if not rows:
        return "none"
    lines = [names, ["---"] * len(names), *rows]
    cells = ("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
    return dg.MetadataValue.md("\n".join(cells))
