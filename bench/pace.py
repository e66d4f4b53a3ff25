"""How exactly a provider's limit is kept, how much of it is used, and how long what is urgent waits."""

from __future__ import annotations

import json
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench import results, sandboxed
from bench.throughput import messages
from senders import delivery
from senders.contract import Message, Provider
from senders.ledger import Ledger
from senders.providers import providers_for
from senders.settings import Settings

LIMIT, SECONDS, QUEUED = 50, 30, 50_000
ORDERS = 10  # confirmations, planned one after the other while the campaign is on its way


def run(folder: Path, scale: float) -> str:
    seconds = max(SECONDS * scale, 5.0)
    with sandboxed.running(folder) as settings:
        provider = providers_for(settings)["email"]
        provider.capabilities = replace(provider.capabilities, messages_per_second=LIMIT)
        campaign = Campaign(settings, provider, list(campaign_of(int(QUEUED * scale))))
        campaign.send(seconds)
        taken = taken_at(settings)
    arrivals = sorted(taken.values())
    first = arrivals[0] + 1
    used = (bisect_left(arrivals, first + seconds - 3) - bisect_left(arrivals, first)) / (seconds - 3) / LIMIT
    waits = sorted(taken[message_id] - at for message_id, at in campaign.planned_at.items())
    rows = [
        (
            f"the busiest second of {seconds:.0f}, as the sandbox counts them (limit {LIMIT})",
            busiest(arrivals),
        ),
        ("share of the limit that was used (aim ≥ 0.95)", f"{used:.3f}"),
        ("a confirmation's wait from planned to taken, median", f"{waits[len(waits) // 2]:.2f} s"),
        ("the longest", f"{waits[-1]:.2f} s"),
    ]
    return (
        "## A provider's limit\n\n"
        f"`python -m bench pace`: {len(campaign.messages):,} marketing messages wait for one route with a "
        f"limit of {LIMIT}/s, and meanwhile {len(waits)} transactional ones are planned one by one. "
        "The sandbox runs in another process and writes down when it took each; any second counts, wherever "
        f"it begins.\n\n{results.machine()}\n\n{results.table(['', ''], rows)}"
    )


def campaign_of(count: int) -> Iterator[Message]:
    return (replace(each, message_class="marketing") for each in messages(count, 0))


class Campaign:
    """The marketing that waits, and the confirmations that another thread plans meanwhile."""

    def __init__(self, settings: Settings, provider: Provider, waiting: list[Message]) -> None:
        self.messages = waiting
        self.planned_at: dict[str, float] = {}  # a confirmation's message id → Unix time
        self._providers = {"email": provider}
        self._ledger = settings.home / "pace.db"

    def send(self, seconds: float) -> None:
        with Ledger(self._ledger) as ledger:
            delivery.plan(ledger, self._providers, self.messages, datetime.now(UTC))
            orders = threading.Thread(target=self._order, args=((seconds - 3) / ORDERS,))
            orders.start()
            delivery.deliver(ledger, self._providers, lambda: datetime.now(UTC), seconds)
            orders.join()

    def _order(self, every: float) -> None:
        with Ledger(self._ledger) as ledger:
            for order in messages(ORDERS, 1):
                time.sleep(every)
                delivery.plan(ledger, self._providers, [order], datetime.now(UTC))
                self.planned_at[order.message_id] = time.time()


def taken_at(settings: Settings) -> dict[str, float]:
    """message id → Unix time at which the sandbox wrote it down."""
    lines = next(settings.home.rglob("sandbox.jsonl")).read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return {row["message_id"]: datetime.fromisoformat(row["accepted_at"]).timestamp() for row in rows}


def busiest(moments: list[float]) -> int:
    """The most of them that any second has."""
    return max(bisect_left(moments, at + 1.0) - bisect_left(moments, at) for at in moments)
