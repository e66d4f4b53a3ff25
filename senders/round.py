"""One delivery round: what its lanes share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from senders.contract import Provider, Verdict
from senders.ledger import Ledger
from senders.pace import Pace
from senders.summary import Summary


@dataclass(frozen=True, slots=True)
class Round:
    """What the lanes of one delivery share. No message is claimed from `ends_at` on."""

    ledger: Ledger
    clock: Callable[[], datetime]
    ends_at: datetime
    pace: Pace
    summary: Summary
    on_progress: Callable[[Summary], None]

    @property
    def seconds_left(self) -> float:
        return (self.ends_at - self.clock()).total_seconds()

    def pause_route(self, provider: Provider, seconds: float) -> None:
        """The others, and the rounds that follow, leave it alone too."""
        self.ledger.pause_route(provider.name, self.clock() + timedelta(seconds=seconds))

    def heed_outcomes(
        self, provider: Provider, verdicts: Sequence[Verdict], enough: int, *, is_probe: bool
    ) -> str:
        """Why the route's breaker is open from now on; empty: it is not."""
        now = self.clock()
        return self.ledger.heed_outcomes(now, provider.name, verdicts, enough, self.pace, is_probe=is_probe)

    def block_route(self, provider: Provider, reason: str) -> None:
        self.ledger.block_route(provider.name, provider.channel, reason, self.clock())
        self.summary.blocked_routes[provider.name] = reason
