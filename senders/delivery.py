"""A message out: plan what was decided, then deliver what is due.

The order of operations is here and in `lane.py`, for every provider alike: plan, claim, intent, send,
record; sweep and reconcile what a dead sender or a broken connection left behind.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice

from senders.contract import Message, Provider, Request
from senders.entries import Planned, Refusal
from senders.ledger import Ledger
from senders.pace import Pace
from senders.round import Round
from senders.summary import Summary

__all__ = ["Pace", "Summary", "deliver", "plan"]

# Messages in one transaction, for which any other writer waits half a second. Not less: each transaction
# writes most pages of the indexes by random ids.
PLAN_BATCH = 10_000


def plan(
    ledger: Ledger, providers: Mapping[str, Provider], messages: Iterable[Message], now: datetime
) -> Planned:
    """Freeze the request of each message and plan it; what is planned already stays as it is.

    `providers` is channel → provider. A message of which its provider can make no request is put on
    record as rejected, and the others go on. A channel without a provider is left out of the ledger
    (`without_route`): it is planned once there is one.
    """
    result = Planned()
    rest = iter(messages)
    while batch := list(islice(rest, PLAN_BATCH)):
        routed = [message for message in batch if message.channel in providers]
        result.without_route += len(batch) - len(routed)
        result.add(ledger.plan(_requests(providers, routed), now))
    return result


def _requests(
    providers: Mapping[str, Provider], messages: Iterable[Message]
) -> Iterator[tuple[Message, str, Request | Refusal]]:
    for message in messages:
        provider = providers[message.channel]
        try:
            request: Request | Refusal = provider.request(message)
        except Exception as error:  # one bad row never holds up the others
            request = Refusal(f"no_request: {type(error).__name__}: {error}"[:500])
        yield message, provider.name, request


def deliver(
    ledger: Ledger,
    providers: Mapping[str, Provider],
    clock: Callable[[], datetime],
    budget_seconds: float,
    on_progress: Callable[[Summary], None] | None = None,
    pace: Pace | None = None,
) -> Summary:
    """Send what is due, for up to `budget_seconds`; calls in flight then still get their answer
    (at most `pace.call_seconds` more).

    `clock` is the one time of leases, due times and backoff; throttle and call deadlines run in real
    time. `on_progress` hears the summary so far after every recorded batch. Raises what the ledger
    raises; a provider's failure is an outcome, never an exception.
    """
    began = time.monotonic()
    summary = Summary()
    swept = ledger.sweep(clock())
    summary.released, summary.unknown, summary.expired = swept.released, swept.unknown, swept.expired
    if ledger.has_work(clock(), {provider.name for provider in providers.values()}):
        # Imported late: the HTTP client costs half a second, which a tick without work need not pay.
        from senders.lane import run_lanes

        ends_at = clock() + timedelta(seconds=budget_seconds)
        round_ = Round(ledger, clock, ends_at, pace or Pace(), summary, on_progress or _ignore)
        asyncio.run(run_lanes(round_, providers.values()))
        summary.expired += ledger.sweep(clock()).expired
    summary.seconds = time.monotonic() - began
    return summary


def _ignore(_: Summary) -> None:
    return None
