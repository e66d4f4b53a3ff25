"""The system and the provider held against each other: what was lost, doubled or made up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import quantiles
from typing import Any

from senders.contract import State
from senders.ledger import Ledger
from senders.settings import Settings
from senders.store import to_moment

# The provider has it, as far as the ledger knows.
TAKEN = frozenset({State.ACCEPTED, State.SENT, State.DELIVERED, State.READ, State.FAILED_LATE})
# The provider may have it: the ledger says so and waits for word.
OPEN = frozenset({State.IN_FLIGHT, State.UNKNOWN, State.HELD})


def read(settings: Settings) -> list[dict[str, Any]]:
    """One dict a message of the ledger: the columns of `sql/ledger/books.sql`."""
    with Ledger(settings.ledger) as ledger:
        return [dict(row) for row in ledger.run("books")]


def balance(
    messages: Sequence[Mapping[str, Any]], accepted: Sequence[Mapping[str, Any]], outbox: Iterable[str]
) -> dict[str, int]:
    """`duplicates` and `unaccounted`, both 0 when the books agree.

    A duplicate is a message that a provider took twice, or a candidate that got two messages. Unaccounted
    is what one side knows and the other does not, and an outbox row that never reached the ledger.
    """
    by_id = {row["message_id"]: row for row in messages}
    taken_by_provider = Counter(row["message_id"] for row in accepted)
    believed = {row["message_id"] for row in messages if row["state"] in TAKEN}
    reached = [row for row in messages if row["state"] in TAKEN - {State.FAILED_LATE}]
    taken_by_candidate = Counter(row["candidate_id"] for row in reached)
    unexpected = {
        message_id
        for message_id in taken_by_provider
        if message_id not in by_id or not _may_be_there(by_id[message_id])
    }
    never_planned = set(outbox) - set(by_id)
    return {
        "duplicates": _surplus(taken_by_provider) + _surplus(taken_by_candidate),
        "unaccounted": len(believed - set(taken_by_provider)) + len(unexpected) + len(never_planned),
    }


def _may_be_there(row: Mapping[str, Any]) -> bool:
    return row["state"] in TAKEN | OPEN or (row["state"] == State.CANCELLED and bool(row["was_taken_back"]))


def landed_to_accepted(messages: Iterable[Mapping[str, Any]], landed: Mapping[str, float]) -> list[float]:
    """Seconds from an event on disk (or from the due time, where a wait was wanted) to acceptance."""
    return [
        seconds(row["accepted_at"]) - max(landed[row["event_id"]], seconds(row["due_at"]))
        for row in messages
        if row["accepted_at"] and row["event_id"] in landed
    ]


def fallbacks(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Accepted messages whose candidate another channel had refused before."""
    tries = Counter(row["candidate_id"] for row in messages)
    return [row for row in messages if row["accepted_at"] and tries[row["candidate_id"]] > 1]


def seconds(moment: str) -> float:
    """A time of the ledger as seconds since 1970."""
    return to_moment(moment).timestamp()


def percentile(values: Sequence[float], percent: int) -> float | None:
    """Linear between the two nearest ranks; None of nothing."""
    if len(values) < 2:
        return round(values[0], 2) if values else None
    return round(quantiles(values, n=100, method="inclusive")[percent - 1], 2)


def _surplus(counts: Counter[str]) -> int:
    return sum(count - 1 for count in counts.values())
