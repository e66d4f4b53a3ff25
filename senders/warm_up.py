"""A new sender's first days: so many messages on the first, more on each that follows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from math import ceil

_FORM = re.compile(
    r"(?P<first>\d+)\s*\*\s*(?P<growth>\d+(?:\.\d+)?)"
    r"(?:\s+to\s+(?P<last>\d+))?(?:\s+from\s+(?P<begins_on>\d{4}-\d\d-\d\d))?"
)
ENDLESS = 10**9  # more than any route sends in a day


@dataclass(frozen=True, slots=True)
class WarmUp:
    """How many messages a route may send on a day (UTC), by how many days it sent on before."""

    first: int
    growth: float
    last: int = ENDLESS  # the first day that may send so many is the ramp's last
    begins_on: date = date.min  # days before do not count

    def limit(self, days_before: int) -> int | None:
        """Messages on the day after so many days with messages; None: the ramp is over."""
        raised = self.first
        for _ in range(days_before):
            if raised >= self.last:
                return None
            raised = min(ceil(raised * self.growth), self.last)
        return raised


def parse(text: str) -> WarmUp:
    """`50*2 to 20000 from 2026-01-15`: 50 on the first day with messages, each day twice as many as the one
    before; the day of 20,000 is the last that has a limit. `to` and `from` may be left out."""
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError(f'"{text.strip()}" must look like 50*2 to 20000 from 2026-01-15')
    first, growth = int(found["first"]), float(found["growth"])
    if first < 1 or growth <= 1:
        raise ValueError(f'"{text.strip()}": a ramp begins with 1 at least and grows by more than 1')
    last = int(found["last"]) if found["last"] else ENDLESS
    begins_on = date.fromisoformat(found["begins_on"]) if found["begins_on"] else date.min
    return WarmUp(first, growth, last, begins_on)
