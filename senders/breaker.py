"""A provider's circuit breaker, kept in the ledger: it holds for every worker and for the ticks that follow.

Closed: some failures in a row at most. Open: too many, so nothing of the route is claimed before
`open_until`. Half open: that time has come, and one due message is claimed to see how the provider is. Any
answer closes the breaker; one more failure opens it for twice as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from senders.contract import Outcome, Verdict
from senders.pace import HONEST_BREAK_SECONDS, Pace
from senders.store import Beside, Store, to_moment, to_text

_HONEST: Final = timedelta(seconds=HONEST_BREAK_SECONDS)
_LONG: Final = 20  # doublings; whatever the first pause was, the longest is shorter by then


@dataclass(frozen=True, slots=True)
class Breaker:
    """Where a route's breaker stands: `failures` in a row, and how many times in a row it was opened."""

    failures: int = 0
    openings: int = 0
    open_until: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        return self.open_until is not None and now < self.open_until <= now + _HONEST

    def is_half_open(self, now: datetime) -> bool:
        return self.open_until is not None and not self.is_open(now)


def is_failure(verdict: Verdict) -> bool:
    """The call told nothing of the message. Who asks to be left alone for a time is well."""
    if verdict.outcome is Outcome.RETRY:
        return verdict.retry_after_seconds is None
    return verdict.outcome is Outcome.UNKNOWN


def as_of(now: datetime) -> dict[str, str]:
    """What a query that passes over open breakers asks by."""
    return {"now": to_text(now), "longest_break": to_text(now + _HONEST)}


class Breaking(Store):
    """The breakers of all routes."""

    def breaker(self, provider: str, *, is_to_probe: bool = False) -> Breaker:
        """`is_to_probe`: nobody else may look at it so until the end of the transaction."""
        name = "breaker_to_probe" if is_to_probe else "breaker"
        row = self.run(name, {"provider": provider}).fetchone()
        if row is None:
            return Breaker()
        until = row["open_until"]
        return Breaker(row["failures"], row["openings"], None if until is None else to_moment(until))

    def heed_outcomes(
        self,
        now: datetime,
        provider: str,
        verdicts: Sequence[Verdict],
        enough: int,
        pace: Pace,
        *,
        is_probe: bool = False,
    ) -> str:
        """Count what calls came to, in their order, and open or close the route's breaker. `enough`: so many
        failures in a row open it, whoever's they are; `is_probe`: one is enough. Why the route is to be left
        alone; empty: it is not."""
        failed = [is_failure(verdict) for verdict in verdicts]
        in_a_row = [verdict for verdict in verdicts[_after_last_answer(failed) :] if is_failure(verdict)]
        with self.transaction(Beside.SENDERS):
            if not all(failed):
                self.close_breaker(provider)
            if not in_a_row:
                return ""
            reason = in_a_row[-1].reason
            values = {"provider": provider, "reason": reason, "now": to_text(now)}
            failures = self.value("count_failures", {**values, "failures": len(in_a_row)})
            if not (is_probe and all(failed)) and failures < enough:
                return ""
            before = self.breaker(provider)
            # Calls that were under way when it was opened do not open it again; the probe does.
            if is_probe or not before.is_open(now):
                seconds = pace.first_break_seconds * 2 ** min(before.openings, _LONG)
                until = now + timedelta(seconds=min(seconds, pace.longest_break_seconds))
                self.run("open_breaker", {"provider": provider, "until": to_text(until)})
        return reason

    def close_breaker(self, provider: str) -> bool:
        """The provider answers; False: nothing was said against it."""
        with self.transaction(Beside.SENDERS):
            return self.change("close_breaker", {"provider": provider}) > 0

    def keep_for_probe(self, provider: str, until: datetime) -> None:
        """Nobody else claims while the probe is under way; should its sender die, until its lease ends."""
        self.run("keep_for_probe", {"provider": provider, "until": to_text(until)})


def _after_last_answer(failed: Sequence[bool]) -> int:
    return max((place + 1 for place, has_failed in enumerate(failed) if not has_failed), default=0)
