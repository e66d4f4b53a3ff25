"""When the ticks of a replay are."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

AUDIT_MINUTE = 17  # as the schedule of the job `audit` says
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Plan:
    """Ticks at `first`, `first + every`, … up to `last` (aware UTC).

    History comes as it landed or, `as_if_live`, as it happened, without what landed after `known_until`.
    """

    first: datetime
    last: datetime
    every: timedelta = timedelta(minutes=1)
    as_if_live: bool = False
    exhaustive: bool = False
    audits: bool = True  # whether what is tagged `hourly` is built between ticks, as the job `audit` does
    known_until: datetime = NEVER

    def tick_at(self, moment: datetime) -> datetime:
        """The first tick that is not before `moment`."""
        return self.first + -((self.first - moment) // self.every) * self.every

    def after(self, tick: datetime) -> datetime:
        """The tick after a tick."""
        return tick + self.every

    def before(self, tick: datetime) -> datetime:
        """The tick before a tick."""
        return tick - self.every

    def audited(self, tick: datetime) -> bool:
        """True for the last tick before an audit."""
        audit = tick.replace(minute=AUDIT_MINUTE, second=0, microsecond=0)
        audit += timedelta(hours=tick > audit)
        return self.audits and self.after(tick) > audit


@dataclass(frozen=True)
class RecordedPlan(Plan):
    """The ticks that ran, at the times at which they did."""

    ticks: tuple[datetime, ...] = ()
    earlier: datetime = datetime(1900, 1, 1, tzinfo=UTC)  # the last tick before the first of these
    audits: bool = False

    def tick_at(self, moment: datetime) -> datetime:
        place = bisect_left(self.ticks, moment)
        return self.ticks[place] if place < len(self.ticks) else NEVER

    def after(self, tick: datetime) -> datetime:
        place = bisect_right(self.ticks, tick)
        return self.ticks[place] if place < len(self.ticks) else NEVER

    def before(self, tick: datetime) -> datetime:
        place = bisect_left(self.ticks, tick)
        return self.ticks[place - 1] if place else self.earlier
