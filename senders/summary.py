"""The tally of one delivery round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from senders.contract import Outcome, State
from senders.entries import Picked, Settlement


@dataclass(slots=True)
class Summary:
    """What a round did, in messages. An attempt counts once; a message that is tried twice, twice."""

    attempted: int = 0
    accepted: Counter[str] = field(default_factory=Counter)  # by channel
    rejected: int = 0
    suppressed: int = 0
    retrying: int = 0
    unknown: int = 0
    held: int = 0
    cancelled: int = 0  # outcome unknown, and the journey drops such messages
    expired: int = 0
    blocked: int = 0  # attempts that met a wrong account or configuration; the messages wait
    taken_back: int = 0  # before they were delivered: their people had left, or said no
    put_off: int = 0  # their person got another message a moment ago
    released: int = 0  # claims of a dead sender, planned again
    blocked_routes: dict[str, str] = field(default_factory=dict)  # provider → reason
    cut_short: dict[str, str] = field(default_factory=dict)  # provider → why its lane ended early
    full_days: list[str] = field(default_factory=list)  # providers that warm up and sent today's marketing
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "accepted": dict(self.accepted)}

    def count_picked(self, picked: Picked, provider: str) -> None:
        self.suppressed += picked.suppressed
        self.put_off += picked.put_off
        self.rejected += picked.unreachable
        if picked.is_day_full and provider not in self.full_days:
            self.full_days.append(provider)

    def count_outcome(self, outcome: Outcome, channel: str) -> None:
        if outcome is Outcome.ACCEPTED:
            self.accepted[channel] += 1
        else:
            name = _COUNTED_AS[outcome]
            setattr(self, name, getattr(self, name) + 1)

    def count_settled(self, settlements: Iterable[Settlement], channel: str) -> None:
        for settlement in settlements:
            if settlement.state is State.ACCEPTED:
                self.accepted[channel] += 1
            elif settlement.state in _COUNTED_STATES:
                setattr(self, settlement.state, getattr(self, settlement.state) + 1)


_COUNTED_AS = {
    Outcome.REJECTED: "rejected",
    Outcome.SUPPRESSED: "suppressed",
    Outcome.RETRY: "retrying",
    Outcome.UNKNOWN: "unknown",
    Outcome.ROUTE_BLOCKED: "blocked",
}
_COUNTED_STATES = (State.REJECTED, State.SUPPRESSED, State.HELD, State.CANCELLED)
