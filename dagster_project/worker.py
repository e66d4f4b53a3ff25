"""A sender of its own, beside the ticks, for a ledger that several machines share.

It plans nothing and decides nothing: what it sends was frozen when it was planned, so it needs neither
warehouse nor templates, only the providers' settings.
"""

from __future__ import annotations

import gc
import signal
import sqlite3
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from senders import delivery
from senders.contract import Provider
from senders.ledger import Ledger
from senders.providers import providers_for
from senders.settings import Settings

ROUND_SECONDS: Final = 10.0  # how long it goes on after it was asked to end, besides the calls in flight
IDLE_SECONDS: Final = 1.0  # how soon it sees what was planned or became due
AWAY_SECONDS: Final = 5.0  # how soon it asks again for a server that is away
WAITING_SECONDS: Final = (
    5.0  # how soon it looks again when all that is due has to wait, as on a full day of a ramp
)

Tell = Callable[[Mapping[str, Any]], None]


def run(settings: Settings, tell: Tell, is_once: bool = False) -> None:
    """Send what is due until SIGTERM or SIGINT, or once; `tell` hears each round's summary.

    Raises LookupError where the ledger is a file: its one sender is the tick, and only a server counts the
    calls of all. LedgerError when it cannot be opened; a server that goes away later is waited for.
    """
    if settings.ledger_server is None:
        raise LookupError(
            "The ledger is a file, and its ticks send: set DOVECOTE_LEDGER=postgresql://… first."
        )
    providers, ends = providers_for(settings), _asked_to_end()
    gc.freeze()  # what is loaded stays: nobody need look through it for garbage again and again
    with Ledger(settings.ledger) as ledger:
        while not ends.is_set():
            try:
                wait = _round(ledger, providers, tell, settings.tick_seconds)
            except sqlite3.OperationalError as error:
                tell({"error": f"{type(error).__name__}: {error}"})
                wait = AWAY_SECONDS
            if is_once:
                return
            ends.wait(wait)


def _round(ledger: Ledger, providers: Mapping[str, Provider], tell: Tell, tick_seconds: float) -> float:
    """One delivery where there is work; how long to wait then. A provider in trouble is no work until its
    breaker or its own wish lets somebody through, and keeps the others waiting for nothing."""
    if not ledger.has_work(_now(), {provider.name for provider in providers.values()}):
        return IDLE_SECONDS
    summary = delivery.deliver(ledger, providers, _now, ROUND_SECONDS)
    tell(summary.as_dict())
    return 0.0 if summary.attempted else min(WAITING_SECONDS, tick_seconds)


def _now() -> datetime:
    return datetime.now(UTC)


def _asked_to_end() -> threading.Event:
    ends = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ends.set())
    return ends
