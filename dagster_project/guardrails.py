"""Guardrails: a journey whose KPI breaks its bound is stopped by the tick, and started again by a person.

Judged after dbt has computed the KPIs and before anything is planned, so that the tick that sees the
break sends nothing more of the journey. What was sent before the person's start is not held against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from receivers.warehouse import in_utc, statement
from senders.ledger import Ledger

DAYS: Final = 7  # of the KPI's windows are put together
BROKEN: Final = "guardrail: {kpi} is {value:.2%} of {of:,.0f} in {days} days, {side} {bound:.2%}"


def stop_what_breaks(connection: Any, ledger: Ledger, as_of: datetime) -> dict[str, str]:
    """journey → why it was stopped just now. `connection` reads the warehouse in the state of `as_of`."""
    stopped = {name for scope, name, _ in ledger.stopped_switches() if scope == "journey"}
    broken: dict[str, str] = {}
    for rail in _rails(connection):
        if rail["journey"] in stopped or rail["journey"] in broken:
            continue
        if reason := _break(connection, rail, _since(ledger, rail["journey"], as_of)):
            broken[rail["journey"]] = reason
    for journey, reason in broken.items():
        ledger.stop("journey", journey, reason, as_of)
    return broken


def _rails(connection: Any) -> Iterator[dict[str, Any]]:
    cursor = connection.execute("select * from policy.guardrails order by journey, position")
    names = [column[0] for column in cursor.description]
    yield from (dict(zip(names, row, strict=True)) for row in cursor.fetchall())


def _since(ledger: Ledger, journey: str, as_of: datetime) -> datetime:
    """The first window that counts: the day after a person started it again, DAYS back at most."""
    since = as_of - timedelta(days=DAYS)
    started_at = ledger.started_at("journey", journey)
    return since if started_at is None else max(since, started_at)


def _break(connection: Any, rail: dict[str, Any], since: datetime) -> str | None:
    query = statement("guardrail").replace("$kpi", f"kpis.kpi_{rail['kpi']}")  # a name, checked at load
    values = {"journey": rail["journey"], "since": in_utc(since)}
    numerator, denominator = connection.execute(query, values).fetchone()
    if not denominator or denominator < rail["at_least"]:
        return None
    value = numerator / denominator
    for side, bound, is_broken in (
        ("above", rail["above"], rail["above"] is not None and value > rail["above"]),
        ("below", rail["below"], rail["below"] is not None and value < rail["below"]),
    ):
        if is_broken:
            figures = {"kpi": rail["kpi"], "value": value, "of": denominator, "days": DAYS}
            return BROKEN.format(**figures, side=side, bound=bound)
    return None
