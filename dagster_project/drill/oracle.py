"""The judge of every drill: what a provider's own journal says it took, held against the ledger.

The journal is append-only and written before the provider answers, by another process than the one
that is broken. The ledger's own journal gives the order of what happened, whatever the clocks said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from dagster_project.demo.books import OPEN, TAKEN
from senders.contract import State
from senders.entries import JOURNAL_COLUMNS
from senders.ledger import Ledger, address_key

Row = Mapping[str, Any]
# A message that failed late at the provider may have a fallback beside it.
REACHED = TAKEN - {State.FAILED_LATE}
# The way that receipts go, and never back.
FORWARD = (State.ACCEPTED, State.SENT, State.DELIVERED, State.READ)
ALL = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Stop:
    """The kill switch was on for the ledger's journal rows with `after` < seq <= `until`."""

    scope: str  # all | route | journey
    name: str
    after: int
    until: int = ALL

    def forbids(self, message: Row, seq: int) -> bool:
        meant = {"all": "", "route": message["provider"], "journey": message["journey"]}[self.scope]
        return self.name == meant and self.after < seq <= self.until


@dataclass(slots=True)
class Findings:
    """What is wrong, each with the message and why; all empty when the promise was kept."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    out_of_policy: list[str] = field(default_factory=list)
    held: int = 0  # no finding: nobody can tell, and the ledger says so

    @property
    def is_clean(self) -> bool:
        return not any(self.wrong().values())

    def wrong(self) -> dict[str, list[str]]:
        return {item.name: getattr(self, item.name) for item in fields(self) if item.name != "held"}

    def add(self, other: Findings) -> None:
        for item in fields(self):
            setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))


def weigh(
    ledger: Ledger,
    accepted: Sequence[Row],
    handed_in: Collection[str],
    ends: Mapping[str, Collection[State]] | None = None,
    stops: Iterable[Stop] = (),
    has_forgotten: bool = False,
) -> Findings:
    """Judge a ledger at rest. `accepted`: rows of the provider's journal (message_id, recipient,
    body_sha256); `handed_in`: ids of the messages whose planning was acknowledged; `ends`: which other end
    than "taken" or HELD a drill means for a message; `has_forgotten`: the ledger is older than some calls, so
    that one call each may be missing.
    """
    messages = {row["message_id"]: dict(row) for row in ledger.run("drill_messages")}
    history = [dict(zip(JOURNAL_COLUMNS, row, strict=True)) for row in ledger.journal_since(0, ALL)]
    taken = Counter(str(row["message_id"]) for row in accepted)
    findings = Findings(held=sum(row["state"] == State.HELD for row in messages.values()))
    findings.lost = _lost(messages, handed_in, taken, ends or {}, _suppressions(history))
    findings.duplicated = _duplicated(messages, taken)
    findings.unexpected = _unexpected(messages, taken, int(has_forgotten)) + _impossible(messages, history)
    findings.altered = _altered(messages, accepted, has_forgotten)
    findings.out_of_policy = _out_of_policy(messages, history, taken, list(stops))
    return findings


def _lost(
    messages: Mapping[str, Row],
    handed_in: Iterable[str],
    taken: Mapping[str, int],
    ends: Mapping[str, Collection[State]],
    suppressed: Mapping[str, Any],
) -> list[str]:
    lost = [f"{each}: planned, and not in the ledger" for each in handed_in if each not in messages]
    for message_id, row in messages.items():
        state = State(row["state"])
        is_dropped = state is State.CANCELLED and row["on_unknown"] == "drop" and row["has_lost_attempt"]
        is_suppressed = state is State.SUPPRESSED and row["address_key"] in suppressed
        if state in TAKEN and not taken.get(message_id):
            lost.append(f"{message_id}: {state}, and the provider never took it")
        elif not (
            state in TAKEN | {State.HELD} | set(ends.get(message_id, ())) or is_dropped or is_suppressed
        ):
            lost.append(f"{message_id} ({row['provider']}): ended as {state}")
    return lost


def _duplicated(messages: Mapping[str, Row], taken: Mapping[str, int]) -> list[str]:
    """A journey that resends what nobody can tell about asked for the copy (`on_unknown: resend`)."""
    twice = [
        f"{message_id}: taken {times} times"
        for message_id, times in taken.items()
        if times > 1 and not (message_id in messages and _wants_copies(messages[message_id]))
    ]
    reached = Counter(
        row["candidate_id"]
        for message_id, row in messages.items()
        if taken.get(message_id) and row["state"] in REACHED
    )
    return twice + [f"candidate {each}: {times} messages" for each, times in reached.items() if times > 1]


def _is_taken_back(row: Row) -> bool:
    return bool(row["state"] == State.CANCELLED and row["was_taken_back"])


def _wants_copies(row: Row) -> bool:
    return bool(row["on_unknown"] == "resend" and row["has_lost_attempt"])


def _unexpected(messages: Mapping[str, Row], taken: Mapping[str, int], forgotten: int) -> list[str]:
    found = []
    for message_id, times in taken.items():
        row = messages.get(message_id)
        if row is None:
            found.append(f"{message_id}: taken, and the ledger does not know it")
        elif row["calls"] + forgotten < times:
            found.append(f"{message_id}: taken {times} times in {row['calls']} calls on record")
        elif row["state"] not in TAKEN | OPEN and not (row["has_lost_attempt"] or _is_taken_back(row)):
            found.append(f"{message_id}: taken, and the ledger calls it {row['state']}")
    return found


def _impossible(messages: Mapping[str, Row], history: Iterable[Row]) -> list[str]:
    """Moves that do not begin where the last one ended, receipts that moved a message back, and messages
    that stand elsewhere than their last move says."""
    found = []
    stands: dict[str, str] = {}
    for event in history:
        if event["kind"] != "state" or event["message_id"] is None:  # a timeline that begins is no message's
            continue
        message_id, before, after = event["message_id"], event["from_state"], event["to_state"]
        if before != stands.get(message_id):
            found.append(f"{message_id}: moved from {before}, and stood at {stands.get(message_id)}")
        if before in FORWARD and after in FORWARD[: FORWARD.index(before)]:
            found.append(f"{message_id}: moved back from {before} to {after}")
        stands[message_id] = after
    return found + [
        f"{message_id}: {row['state']}, and its last move was to {stands.get(message_id)}"
        for message_id, row in messages.items()
        if row["state"] != stands.get(message_id)
    ]


def _altered(messages: Mapping[str, Row], accepted: Iterable[Row], has_forgotten: bool) -> list[str]:
    """What a restored ledger was told about the time it lost comes without the bytes."""
    found = []
    for row in accepted:
        planned = messages.get(row["message_id"])
        if planned is None:
            continue
        is_unknown = has_forgotten and planned["body_sha256"] is None
        if row["body_sha256"] != planned["body_sha256"] and not is_unknown:
            found.append(f"{row['message_id']}: other bytes than were planned")
        if address_key(row["recipient"]) != planned["address_key"]:
            found.append(f"{row['message_id']}: to another address than was planned")
    return found


def _out_of_policy(
    messages: Mapping[str, Row], history: Sequence[Row], taken: Mapping[str, int], stops: Sequence[Stop]
) -> list[str]:
    """Calls put on record, or messages taken, against what the ledger knew at that moment."""
    found = []
    forbidden: set[tuple[str, str]] = set()  # address key, scope
    called: set[str] = set()
    for event in history:
        if event["kind"] == "suppression":
            change = forbidden.add if event["to_state"] == "suppressed" else forbidden.discard
            change((event["address_key"], event["scope"]))
        elif event["kind"] == "state" and event["to_state"] == State.IN_FLIGHT:
            row = messages[event["message_id"]]
            called.add(event["message_id"])
            reasons = _reasons(row, event, forbidden, stops)
            found += [f"{event['message_id']}: called though {reason}" for reason in reasons]
    never_called = [messages[each] for each in taken if each in messages and each not in called]
    return found + [
        f"{row['message_id']}: taken though its address is suppressed"
        for row in never_called
        if _is_forbidden(row, forbidden)
    ]


def _reasons(row: Row, event: Row, forbidden: set[tuple[str, str]], stops: Sequence[Stop]) -> list[str]:
    checks = {
        "its address is suppressed": _is_forbidden(row, forbidden),
        "it had expired": event["happened_at"] >= row["expires_at"],
        "it was stopped": any(stop.forbids(row, event["seq"]) for stop in stops),
    }
    return [reason for reason, is_so in checks.items() if is_so]


def _is_forbidden(row: Row, forbidden: set[tuple[str, str]]) -> bool:
    scopes = ("all", "marketing") if row["message_class"] == "marketing" else ("all",)
    return any((row["address_key"], scope) in forbidden for scope in scopes)


def _suppressions(history: Iterable[Row]) -> dict[str, Row]:
    """Address key → the suppression that was once put on record for it."""
    return {event["address_key"]: event for event in history if event["kind"] == "suppression"}
