"""`dovecote explain`: why this person did or did not get each message, from the record.

Nothing is decided again here. Every sentence stands on a row: an entry, a decision, a move in the
ledger. The journeys that never saw the person are named too, with what the person did lately, and for one of
them its trigger is asked which condition keeps them out (`explain_entry`).
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from dagster_project import explain_entry
from senders.ledger import Ledger
from senders.settings import REPOSITORY, Settings

SQL = REPOSITORY / "sql" / "warehouse"

REASONS = {
    "due": "it was due and nothing stood in the way",
    "suppressed": "the address must not be written to (opted out, bounced or complained)",
    "no_address": "there is no address for any of the step's channels",
    "undeliverable": "every channel of the step has refused this message",
    "no_consent": "there is no consent to marketing on the channels that are left",
    "exited": "they left the journey (event {blocking_id})",
    "condition_not_met": "the condition no longer held ({blocking_id})",
    "expired": "it was too late: after {expires_at}",
    "holdout": "they are in the holdout, the group that shows what happens without the message",
    "quiet_hours": "it was quiet hours where they are (rule {blocking_id})",
    "outranked": "another message of the same minute came first ({blocking_id})",
    "capped": "they had been sent enough, counting what a holdout kept back (cap {blocking_id})",
    "route_blocked": "the route to the provider was blocked",
}
OUTCOMES = {"send": "SEND", "hold": "WAIT", "suppress": "DO NOT SEND"}


class UnknownPersonError(LookupError):
    """Nobody goes by that id or address; the text says what was looked for."""


class UnknownJourneyError(LookupError):
    """No live journey has that name; the text names the nearest."""


def explain(settings: Settings, who: str, journey: str | None = None) -> dict[str, Any]:
    """The record of one person: `person`, `addresses`, `journeys` (entries → steps → decisions and
    the message's moves), `never_entered` and `recent_events`; with a `journey` that they never entered
    `why_not` (`explain_entry.why_not`). Times are aware UTC datetimes.

    `who` is a user id, an anonymous id, an e-mail address or a phone number. Raises UnknownPersonError,
    UnknownJourneyError, and duckdb.IOException while a tick has the warehouse.
    """
    from dagster_project import warehouse

    with warehouse.opened_when_free(settings) as connection:
        rows = partial(_rows, connection)
        people = rows("explain_person", who=who)
        if not people:
            raise UnknownPersonError(
                f"nobody has the id, e-mail address or phone number {who!r} in {settings.warehouse}"
            )
        live = [row["journey"] for row in rows("explain_journeys")]
        _refuse_unknown(journey, live)
        about = {"user_id": people[0]["user_id"]}
        entries = [row for row in rows("explain_entries", **about) if journey in (None, row["journey"])]
        decisions = rows("explain_decisions", **about)
        result = {
            "person": people[0],
            "addresses": rows("explain_addresses", **about),
            "recent_events": rows("explain_events", **about),
        }
    entered = {entry["journey"] for entry in entries}
    never = [name for name in live if journey in (None, name) and name not in entered]
    record = {**result, "journeys": _journeys(settings, entries, decisions), "never_entered": never}
    if journey and journey in never:
        record["why_not"] = explain_entry.ask(settings, people[0]["user_id"], journey)
    return record


def _rows(connection: Any, name: str, **values: str) -> list[dict[str, Any]]:
    cursor = connection.execute((SQL / f"{name}.sql").read_text(), values)
    columns = [column[0] for column in cursor.description]
    return [dict(zip(columns, map(_aware, row), strict=True)) for row in cursor.fetchall()]


def _journeys(
    settings: Settings, entries: list[dict[str, Any]], decisions: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The entries, each with why its journey is stopped, if it is, and with its steps."""
    with Ledger(settings.ledger) as ledger:
        stopped = {name: reason for scope, name, reason in ledger.stopped_switches() if scope == "journey"}
        return [
            {**entry, "stopped": stopped.get(entry["journey"]), "steps": _steps(entry, decisions, ledger)}
            for entry in entries
        ]


def _refuse_unknown(journey: str | None, live: list[str]) -> None:
    if journey is not None and journey not in live:
        near = difflib.get_close_matches(journey, live, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(live)}"
        raise UnknownJourneyError(f"the last tick knew no journey {journey!r}: {hint}")


def _steps(entry: Mapping[str, Any], decisions: list[dict[str, Any]], ledger: Ledger) -> list[dict[str, Any]]:
    """The steps of one entry in order, each with its decisions and, for a send, the message's moves."""
    steps: dict[str, dict[str, Any]] = {}
    for row in decisions:
        if row["entry_id"] != entry["entry_id"]:
            continue
        step = steps.setdefault(
            row["step"],
            {name: row[name] for name in ("step", "due_at", "expires_at")} | {"decisions": []},
        )
        if row["decided_at"] is not None:
            step["decisions"].append(_decision(row, ledger))
    return list(steps.values())


def _decision(row: Mapping[str, Any], ledger: Ledger) -> dict[str, Any]:
    decision = {
        name: row[name]
        for name in ("decided_at", "outcome", "reason", "channel", "blocking_id", "message_id", "expires_at")
    }
    decision["gates"] = json.loads(row["gates"])
    if row["outcome"] == "send":
        moves = [dict(move) for move in ledger.run("explain_message", {"message_id": row["message_id"]})]
        decision["message"] = {
            "state": moves[-1]["state"] if moves else "not planned yet",
            "moves": [
                {name: move[name] for name in ("happened_at", "to_state", "move_reason")} for move in moves
            ],
        }
    return decision


def in_words(record: Mapping[str, Any]) -> str:
    """The same in plain sentences."""
    person = record["person"]
    name = " ".join(filter(None, (person["first_name"], person["last_name"]))) or "no name known"
    lines = [f"{person['user_id']} ({name}), {person['time_zone'] or 'time zone unknown'}"]
    lines += [_address_in_words(address) for address in record["addresses"]] or ["  no address is known"]
    for entry in record["journeys"]:
        lines += ["", _entry_in_words(entry)]
        for step in entry["steps"]:
            lines += _step_in_words(step)
    if record["never_entered"]:
        names = ", ".join(record["never_entered"])
        lines += ["", f"Never entered: {names} (their triggers never selected this person)."]
        if "why_not" in record:
            lines += explain_entry.in_words(record["why_not"])
        else:
            lines += ["  `--journey NAME` says which conditions keep them out of it."]
        lines += ["  What they did lately:"]
        lines += [
            f"    {_at(event['occurred_at'])}  {event['event_name']}"
            + "".join(f"  {event[key]}" for key in ("product_name", "order_id") if event[key])
            for event in record["recent_events"]
        ] or ["    nothing on record"]
    return "\n".join(lines)


def _address_in_words(address: Mapping[str, Any]) -> str:
    if address["is_suppressed_for_all"]:
        verdict = f"nothing may be sent ({address['suppression_reason']})"
    elif address["is_suppressed_for_marketing"]:
        verdict = f"no marketing ({address['suppression_reason']})"
    elif address["has_marketing_consent"] is None:
        verdict = "marketing was never agreed to"
    else:
        given = "given" if address["has_marketing_consent"] else "withdrawn"
        verdict = (
            f"marketing consent {given} {_at(address['consent_changed_at'])} ({address['consent_source']})"
        )
    return f"  {address['channel']:8} {address['address']}: {verdict}"


def _entry_in_words(entry: Mapping[str, Any]) -> str:
    about = f" about {entry['entity_key']}" if entry["entity_key"] else ""
    head = f"{entry['journey']}{about}, {_at(entry['entered_at'])}"
    if entry["status"] == "blocked":
        return f"{head}: did not enter again, they had entered {_at(entry['blocker_entered_at'])}"
    stopped = f"; the journey is stopped ({entry['stopped']})" if entry["stopped"] else ""
    return f"{head}: entered by event {entry['event_id']}{stopped}"


def _step_in_words(step: Mapping[str, Any]) -> list[str]:
    if not step["decisions"]:
        return [f"  {step['step']}: falls due {_at(step['due_at'])}"]
    lines = []
    for decision in step["decisions"]:
        why = REASONS[decision["reason"]].format(
            blocking_id=decision["blocking_id"], expires_at=_at(decision["expires_at"])
        )
        also = [gate for gate in decision["gates"] if gate != decision["reason"]]
        by = f" by {decision['channel']}" if decision["outcome"] == "send" else ""
        line = f"  {step['step']}: {OUTCOMES[decision['outcome']]}{by} {_at(decision['decided_at'])}: {why}"
        lines.append(line + (f"; also failing: {', '.join(also)}" if also else ""))
        if "message" in decision:
            lines.append(f"    the message: {_moves_in_words(decision['message'])}")
    return lines


def _moves_in_words(message: Mapping[str, Any]) -> str:
    """`planned → claimed → in_flight → rejected (unreachable_on_channel)`."""
    moves = message["moves"]
    if not moves:
        return str(message["state"])
    why = moves[-1]["move_reason"]
    return " → ".join(move["to_state"] for move in moves) + (f" ({why})" if why else "")


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
