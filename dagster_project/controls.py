"""What a person turns by hand: blocked routes, the kill switch, messages of which nobody can tell.

Each change says in a sentence what it did; LookupError with what to do where there is nothing to change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from senders.breaker import Breaker
from senders.ledger import Ledger
from senders.settings import REPOSITORY, Settings
from senders.store import to_moment, to_text

HELD_SHOWN = 200
ROUTE = "{provider} ({channel}) is {state}{since}{why}; {backlog} message(s) wait."
HELD = (
    "{message_id}  {journey}.{step} by {channel} to {user_id}, held since {held_at:.19} UTC ({reason}), "
    "expires {expires_at:.19} UTC"
)
BY_HAND = "by hand"

Target = tuple[str, str]  # scope and name of a switch


def in_words(rows: Sequence[Mapping[str, Any]], sentence: str, nothing: str) -> str:
    return "\n".join(sentence.format(**row) for row in rows) or nothing


def routes(settings: Settings) -> list[dict[str, Any]]:
    """Each route that ever had a message: the ledger's columns, `state` and `why` in words."""
    if not settings.ledger.exists():
        return []
    now = datetime.now(UTC)
    with Ledger(settings.ledger) as ledger:
        return [_told(row, now) for row in ledger.routes()]


def _told(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    state, why = standing(row, now)
    since = "" if state == "paused" else f" since {row['changed_at']:.19} UTC"
    return {**row, "state": state, "since": since, "why": f" ({why})" if why else ""}


def standing(row: Mapping[str, Any], now: datetime) -> tuple[str, str]:
    """State and reason of a route, as `Ledger.routes` gives it: blocked until somebody frees it, paused for a
    while, or free."""
    if row["is_blocked"]:
        return "blocked", row["reason"]
    if until := row["open_until"]:
        is_open = Breaker(open_until=to_moment(until)).is_open(now)
        then = f"next try at {until:.19} UTC" if is_open else "the next message goes to see"
        failed = f"{row['failures']} failures in a row since {row['first_failed_at']:.19} UTC"
        return "paused", f"{failed}, the last: {row['failing_because']}; {then}"
    if (row["paused_until"] or "") > to_text(now):
        return "paused", f"its provider asked for it until {row['paused_until']:.19} UTC"
    return "free", row["reason"]


def free(settings: Settings, provider: str) -> str:
    with Ledger(settings.ledger) as ledger:
        if ledger.free_route(provider, BY_HAND, datetime.now(UTC)):
            return f"{provider} is free; what waits goes with the next tick."
        blocked = ", ".join(ledger.blocked_routes()) or "none is"
    raise LookupError(f"{provider} is not blocked. Blocked: {blocked}.")


def target(route: str | None, journey: str | None, is_all: bool) -> Target:
    """The one switch that is meant."""
    given = [("route", route), ("journey", journey), ("all", "" if is_all else None)]
    chosen = [(scope, name) for scope, name in given if name is not None]
    if len(chosen) != 1:
        raise LookupError("Name one of --route PROVIDER, --journey JOURNEY and --all.")
    return chosen[0]


def switch(settings: Settings, which: Target, is_stopped: bool, reason: str) -> str:
    """Turn the kill switch. A name that nothing has is refused: a stop that stops nothing looks done."""
    scope, name = which
    now = datetime.now(UTC)
    with Ledger(settings.ledger) as ledger:
        on = [(each, of) for each, of, _ in ledger.stopped_switches()]
        if is_stopped:
            _check_name(settings, ledger, scope, name)
            ledger.stop(scope, name, reason, now)
            return f"{named(which)} is stopped. `{start_command(which)}` undoes it."
        if which not in on:
            stopped = ", ".join(named(each) for each in on) or "nothing is"
            raise LookupError(f"{named(which)} is not stopped. Stopped: {stopped}.")
        ledger.start(scope, name, reason, now)
    return f"{named(which)} is started again."


def _check_name(settings: Settings, ledger: Ledger, scope: str, name: str) -> None:
    known = {"all": lambda: {""}, "route": lambda: _providers(settings, ledger), "journey": _journeys}
    names = known[scope]()
    if names and name not in names:
        raise LookupError(f"There is no {scope} {name}. There is: {', '.join(sorted(names))}.")


def _providers(settings: Settings, ledger: Ledger) -> set[str]:
    return {*settings.routes.values(), *(row["provider"] for row in ledger.routes())}


def _journeys() -> set[str]:
    """Empty, so that any name is taken, where the YAML is broken: that keeps nobody from stopping."""
    from dagster_project import journeys

    good, problems = journeys.read_journeys(REPOSITORY)
    return set() if problems else {journey.name for journey in good}


def named(which: Target) -> str:
    scope, name = which
    return "everything" if scope == "all" else f"{scope} {name}"


def start_command(which: Target) -> str:
    return f'dovecote start --{" ".join(part for part in which if part)} --reason "…"'


def held(settings: Settings) -> list[dict[str, Any]]:
    """The newest held messages, HELD_SHOWN at most."""
    if not settings.ledger.exists():
        return []
    with Ledger(settings.ledger) as ledger:
        return ledger.held(HELD_SHOWN)


def decide_by_rule(settings: Settings, rule: Mapping[str, str], *, is_sent_again: bool) -> str:
    """Decide alike about every held message of a journey, a provider, a reason."""
    now = datetime.now(UTC)
    with Ledger(settings.ledger) as ledger:
        message_ids = ledger.held_by_rule(**rule)
        decided = sum(
            ledger.decide_held(each, is_sent_again=is_sent_again, reason=BY_HAND, now=now)
            for each in message_ids
        )
    if not message_ids:
        raise LookupError("No held message is such a one; `dovecote held` lists what is.")
    left = len(message_ids) - decided
    became = "go with the next tick, unless they have expired" if is_sent_again else "are given up"
    return f"{decided} message(s) {became}." + f" {left} cannot be sent: their bytes are gone." * bool(left)


def decide(settings: Settings, message_id: str, *, is_sent_again: bool) -> str:
    with Ledger(settings.ledger) as ledger:
        now = datetime.now(UTC)
        if not ledger.decide_held(message_id, is_sent_again=is_sent_again, reason=BY_HAND, now=now):
            raise LookupError(
                f"{message_id} is not held, or its bytes are gone so that it can only be dropped; "
                "`dovecote held` lists what is."
            )
    became = "goes with the next tick, unless it has expired" if is_sent_again else "is given up"
    return f"{message_id} {became}."
