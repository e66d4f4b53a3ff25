"""A ledger restored from a backup: what it did between the backup and the loss, it does not know.

So nothing goes out of it that may have gone out then. Its journal begins a timeline of its own, by whose
numbers the warehouse tells that the rows it copied later are of a past that is lost here, and gives them back
(`learn`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from senders.contract import EventKind, ProviderEvent, State
from senders.ledger import Ledger
from senders.store import to_moment, to_text

APART = 1_000_000_000  # rows between two timelines: more than any ledger writes between a backup and its loss
WAYS_TO_HELD: Mapping[str, Sequence[str]] = {
    "planned": ["held"],
    "claimed": ["held"],
    "retry_wait": ["held"],
    "unknown": ["held"],
    "in_flight": ["unknown", "held"],
    "route_blocked": ["planned", "held"],
}
# Where a message of the lost time stood for good; anything else may have been sent since.
_SETTLED = {
    state: state
    for state in (
        *(State.ACCEPTED, State.SENT, State.DELIVERED, State.READ, State.FAILED_LATE),
        *(State.REJECTED, State.SUPPRESSED, State.CANCELLED),
    )
} | {State.EXPIRED: State.CANCELLED}


@dataclass(frozen=True)
class Timeline:
    """One restoring. The journal's rows after `last_seq` and below `first_seq` are of a lost past.
    `known_until`: the backup's last word (None: an empty ledger was put in place)."""

    first_seq: int
    last_seq: int
    restored_at: datetime
    known_until: datetime | None


def timelines(ledger: Ledger) -> list[Timeline]:
    return [
        Timeline(
            row["first_seq"],
            row["last_seq"],
            to_moment(row["restored_at"]),
            None if row["known_until"] is None else to_moment(row["known_until"]),
        )
        for row in ledger.run("timelines").fetchall()
    ]


def begin(ledger: Ledger, now: datetime) -> int:
    """Hold everything that is not over, and begin a timeline; how many messages are held by it."""
    at = to_text(now)
    with ledger.transaction():
        last_seq = ledger.last_seq()
        first_seq = (last_seq // APART + 1) * APART
        ledger.run("begin_timeline", {"first_seq": first_seq, "last_seq": last_seq, "now": at})
        ledger.run("restart_journal", {"first_seq": first_seq, "now": at})
        rows = ledger.run("waiting_messages").fetchall()
        for row in rows:
            _hold(ledger, row["message_no"], row["state"], at)
    return len(rows)


def _hold(ledger: Ledger, message_no: int, state: str, at: str) -> None:
    for to_state in WAYS_TO_HELD.get(state, ()):
        values = {"message_no": message_no, "from_state": state, "to_state": to_state, "now": at}
        ledger.change("move_restored", values)
        state = to_state


def hold(ledger: Ledger, message_ids: Iterable[str], now: datetime) -> int:
    """What was planned now and decided before the restoring; in the transaction that planned it."""
    rows = ({"message_id": message_id, "now": to_text(now)} for message_id in message_ids)
    return ledger.change_each("hold_planned", rows)


def learn(
    ledger: Ledger, rows: Sequence[Mapping[str, Any]], messages: Iterable[Mapping[str, Any]]
) -> Counter[str]:
    """Take back what the warehouse's copy tells of the lost time. `rows`: of the journal, in its order, by
    JOURNAL_COLUMNS with aware times. `messages`: as `plan_message` takes them, of those that the ledger may
    not know at all. All of it or nothing; done again, it changes nothing."""
    told: Counter[str] = Counter()
    ends = _last_moves(rows)
    with ledger.transaction():
        for values in messages:  # one by one: what was refused makes room for its fallback
            told["messages"] += bool(ledger.value_of_each("plan_message", [values])[0])
            _take_back(ledger, values["message_id"], ends[values["message_id"]])
        for message_id, row in ends.items():
            told["moves"] += _take_back(ledger, message_id, row)
        for row in rows:
            told[row["kind"]] += row["kind"] in _RETOLD
            _RETOLD.get(row["kind"], _nothing)(ledger, row)
    return told


def _last_moves(rows: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {row["message_id"]: row for row in rows if row["kind"] == "state" and row["message_id"]}


def _take_back(ledger: Ledger, message_id: str, row: Mapping[str, Any]) -> int:
    """Where it stood, at the time of then; held where that was not the end."""
    message_no = ledger.value("message_no_of", {"message_id": message_id})
    if message_no is None:
        return 0
    at, state = to_text(row["happened_at"]), _SETTLED.get(State(row["to_state"]))
    _hold(ledger, message_no, ledger.value("standing_of", {"message_no": message_no}), at)
    if state is None:
        return 0
    values = {"message_no": message_no, "state": state, "at": at, "reason": row["reason"]}
    if state is State.CANCELLED:
        ledger.change("restore_revocation", values)
    return ledger.change("move_by_receipt", values)


def _suppress(ledger: Ledger, row: Mapping[str, Any]) -> None:
    if row["address_key"]:
        change = ledger.unsuppress if row["to_state"] == "lifted" else ledger.suppress
        change(row["address_key"], row["scope"], row["reason"] or "restored", row["happened_at"])


def _route(ledger: Ledger, row: Mapping[str, Any]) -> None:
    if row["to_state"] == "blocked":
        ledger.block_route(row["provider"], row["channel"], row["reason"] or "restored", row["happened_at"])
    else:
        ledger.free_route(row["provider"], row["reason"] or "restored", row["happened_at"])


def _engage(ledger: Ledger, row: Mapping[str, Any]) -> None:
    event = ProviderEvent(
        f"restored:{row['seq']}", row["provider"], EventKind(row["to_state"]), row["happened_at"],
        row["message_id"], reason=row["reason"] or "", is_machine=bool(row["is_machine"]),
    )  # fmt: skip
    ledger.apply_receipts([event], row["happened_at"])


def _nothing(ledger: Ledger, row: Mapping[str, Any]) -> None:
    """A move: told by the last one of its message."""


_RETOLD = {"suppression": _suppress, "route": _route, "engagement": _engage}
